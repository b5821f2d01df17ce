#include "synth/utf8.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synth {
namespace {

// What may follow a lead byte: the number of continuation bytes, and the range of the first of
// them. The range is what keeps out overlong forms (E0, F0), surrogates (ED) and code points above
// U+10FFFF (F4).
struct Lead {
  std::size_t continuations;
  std::uint8_t second_min;
  std::uint8_t second_max;
};

std::optional<Lead> LeadOf(std::uint8_t byte) {
  if (byte < 0x80) return Lead{0, 0, 0};
  if (byte < 0xC2) return std::nullopt;  // a continuation byte, or the lead of an overlong form
  if (byte < 0xE0) return Lead{1, 0x80, 0xBF};
  if (byte == 0xE0) return Lead{2, 0xA0, 0xBF};
  if (byte == 0xED) return Lead{2, 0x80, 0x9F};
  if (byte < 0xF0) return Lead{2, 0x80, 0xBF};
  if (byte == 0xF0) return Lead{3, 0x90, 0xBF};
  if (byte < 0xF4) return Lead{3, 0x80, 0xBF};
  if (byte == 0xF4) return Lead{3, 0x80, 0x8F};
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> FirstInvalidUtf8(std::string_view text) {
  const auto byte_at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::size_t i = 0;
  while (i < text.size()) {
    const std::optional<Lead> lead = LeadOf(byte_at(i));
    if (!lead || lead->continuations >= text.size() - i) return i;
    for (std::size_t c = 1; c <= lead->continuations; ++c) {
      const std::uint8_t low = c == 1 ? lead->second_min : 0x80;
      const std::uint8_t high = c == 1 ? lead->second_max : 0xBF;
      if (byte_at(i + c) < low || byte_at(i + c) > high) return i;
    }
    i += lead->continuations + 1;
  }
  return std::nullopt;
}

std::string_view CutUtf8(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  const auto continues = [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0) == 0x80; };
  std::size_t end = max_bytes;
  while (end > 0 && continues(text[end])) --end;
  return text.substr(0, end);
}

std::string Excerpt(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  return std::string(CutUtf8(text, max_bytes)) + "... (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace synth
