#include "client/src/utf8.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/str_format.h"
#include "synth/utf8.h"

namespace synth::client {

absl::Status CheckUtf8(std::string_view text) {
  const std::optional<std::size_t> invalid = FirstInvalidUtf8(text);
  if (!invalid.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "not UTF-8: byte 0x%02X at offset %d", static_cast<uint8_t>(text[*invalid]), *invalid));
}

}  // namespace synth::client
