#include "client/src/utf8.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace synth::client {
namespace {

constexpr unsigned kAsciiEnd = 0x80;

bool IsContinuation(unsigned byte) { return (byte & 0xC0U) == 0x80U; }

// What a lead byte asks for: how many bytes follow, and the range of the first of them. That range
// is where overlong forms (E0, F0), surrogates (ED) and code points past U+10FFFF (F4) are
// excluded.
struct Lead {
  size_t following;
  unsigned first_low;
  unsigned first_high;
};

std::optional<Lead> ReadLead(unsigned byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return Lead{1, 0x80, 0xBF};
  if (byte == 0xE0) return Lead{2, 0xA0, 0xBF};
  if (byte == 0xED) return Lead{2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return Lead{2, 0x80, 0xBF};
  if (byte == 0xF0) return Lead{3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return Lead{3, 0x80, 0xBF};
  if (byte == 0xF4) return Lead{3, 0x80, 0x8F};
  return std::nullopt;
}

}  // namespace

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  const auto byte_at = [text](size_t i) -> unsigned { return static_cast<uint8_t>(text[i]); };
  size_t i = 0;
  while (i < text.size()) {
    if (byte_at(i) < kAsciiEnd) {
      ++i;
      continue;
    }
    const std::optional<Lead> lead = ReadLead(byte_at(i));
    if (!lead.has_value() || text.size() - i <= lead->following) return i;
    const unsigned first = byte_at(i + 1);
    if (first < lead->first_low || first > lead->first_high) return i;
    for (size_t k = 2; k <= lead->following; ++k) {
      if (!IsContinuation(byte_at(i + k))) return i;
    }
    i += 1 + lead->following;
  }
  return std::nullopt;
}

absl::Status CheckUtf8(std::string_view text) {
  const std::optional<size_t> invalid = FindInvalidUtf8(text);
  if (!invalid.has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "not UTF-8: byte 0x%02X at offset %d", static_cast<uint8_t>(text[*invalid]), *invalid));
}

}  // namespace synth::client
