#ifndef SYNTH_MODEL_TEXT_UTF8_CHARACTERS_H_
#define SYNTH_MODEL_TEXT_UTF8_CHARACTERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace synth {

inline bool IsAscii(char byte) { return static_cast<std::uint8_t>(byte) < 0x80; }
inline bool IsContinuation(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80; }

struct Utf8Character {
  char32_t code;
  std::size_t size;  // in bytes
};

// The character that begins at `at` of `text`, which must be UTF-8.
inline Utf8Character CharacterAt(std::string_view text, std::size_t at) {
  const auto byte = [text, at](std::size_t i) {
    return char32_t{static_cast<std::uint8_t>(text[at + i])};
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1FU) << 6 | (byte(1) & 0x3FU), 2};
  if (lead < 0xF0) {
    return {(lead & 0xFU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU), 3};
  }
  return {
      (lead & 0x7U) << 18 | (byte(1) & 0x3FU) << 12 | (byte(2) & 0x3FU) << 6 | (byte(3) & 0x3FU),
      4};
}

// The character that ends before `end` > 0 of `text`, which must be UTF-8.
inline Utf8Character CharacterBefore(std::string_view text, std::size_t end) {
  std::size_t at = end - 1;
  while (IsContinuation(text[at])) --at;
  return CharacterAt(text, at);
}

inline void AppendCharacter(char32_t code, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | code >> 6);
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | code >> 12);
    put(0x80U | (code >> 6 & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | code >> 18);
    put(0x80U | (code >> 12 & 0x3FU));
    put(0x80U | (code >> 6 & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_UTF8_CHARACTERS_H_
