#ifndef SYNTH_SERVER_BASE_LAST_WORDS_H_
#define SYNTH_SERVER_BASE_LAST_WORDS_H_

#include <string_view>

#include "server/base/logging.h"

namespace synth::server {

// What the process still says when a defect ends it. An exception that nobody catches becomes one
// line on standard error, `terminated reason="..."` in the log's format, before the process aborts;
// and on an abort (of this program, gRPC or the allocator) lines that wait in the log's queue are
// given a moment to be written, for they say why. Neither waits for a reader that does not read.
void SetUpLastWords(LogFormat format);

// Writes to standard error, unless nobody reads it. Allocates nothing and takes no lock.
void WriteLastWords(std::string_view line);

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_LAST_WORDS_H_
