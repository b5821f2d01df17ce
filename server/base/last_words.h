#ifndef SYNTH_SERVER_BASE_LAST_WORDS_H_
#define SYNTH_SERVER_BASE_LAST_WORDS_H_

#include <string_view>

#include "server/base/logging.h"

namespace synth::server {

// What the process still says when a defect ends it. An exception that nobody catches becomes one
// line on standard error, `terminated reason="..."` in the log's format, before the process aborts.
// When this program, gRPC or the allocator aborts, the lines in the log's queue get a moment to be
// written, because they say why. Neither waits for a reader that does not read.
void SetUpLastWords(LogFormat format);

// Writes to standard error, unless nobody reads it. Allocates nothing and takes no lock.
void WriteLastWords(std::string_view line);

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_LAST_WORDS_H_
