#ifndef SYNTH_CLIENT_SRC_UTF8_H_
#define SYNTH_CLIENT_SRC_UTF8_H_

#include <cstddef>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace synth::client {

// The offset of the first byte that is not UTF-8 (RFC 3629: no overlong forms, no surrogates,
// nothing past U+10FFFF); nothing if the whole text is.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

// OK, or INVALID_ARGUMENT that names the first byte which is not UTF-8 and its offset.
// Protobuf would send such a text, and the server would then refuse its whole request.
absl::Status CheckUtf8(std::string_view text);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_SRC_UTF8_H_
