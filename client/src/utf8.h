#ifndef SYNTH_CLIENT_SRC_UTF8_H_
#define SYNTH_CLIENT_SRC_UTF8_H_

#include <string_view>

#include "absl/status/status.h"

namespace synth::client {

// OK, or INVALID_ARGUMENT that names the first byte which is not UTF-8 and its offset.
// Protobuf would send such a text, and the server would then refuse it.
absl::Status CheckUtf8(std::string_view text);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_SRC_UTF8_H_
