#include "server/model_name.h"

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "synth/utf8.h"

namespace synth::server {
namespace {

constexpr std::size_t kShownBytes = 40;

// Of UTF-8 that is known to be well-formed; takes the character off the front of `text`.
char32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t character = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    character = (character << 6U) | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  }
  text.remove_prefix(length);
  return character;
}

bool IsReadable(char32_t c) {
  const auto within = [c](char32_t first, char32_t last) { return first <= c && c <= last; };
  return !within(0, 0x1F) && !within(0x7F, 0x9F) && !within(0x200B, 0x200F) &&
         !within(0x2028, 0x202E) && !within(0x2060, 0x206F) && c != 0xFEFF;
}

absl::Status Refuse(std::string_view name, const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("the name '", absl::CHexEscape(Excerpt(name, kShownBytes)), "' ", problem));
}

}  // namespace

absl::Status CheckModelName(std::string_view name) {
  if (name.empty() || name.size() > kMaxModelNameBytes) {
    return Refuse(name,
                  absl::StrCat("has ", name.size(), " bytes, expected 1 to ", kMaxModelNameBytes));
  }
  if (const std::optional<std::size_t> bad = FirstInvalidUtf8(name); bad.has_value()) {
    return Refuse(name, absl::StrFormat("is not UTF-8: byte 0x%02X at offset %d",
                                        static_cast<std::uint8_t>(name[*bad]), *bad));
  }
  if (name.front() == ' ' || name.back() == ' ') {
    return Refuse(name, "begins or ends with a blank");
  }
  for (std::string_view rest = name; !rest.empty();) {
    if (const char32_t c = TakeCharacter(rest); !IsReadable(c)) {
      return Refuse(name, absl::StrFormat("has a character that cannot be read, U+%04X",
                                          static_cast<std::uint32_t>(c)));
    }
  }
  return absl::OkStatus();
}

}  // namespace synth::server
