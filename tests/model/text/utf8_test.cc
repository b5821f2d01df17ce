#include "synth/utf8.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace synth {
namespace {

std::string Encode(std::uint32_t c) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 63))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)),
          byte(0x80 | (c & 63))};
}

TEST(Utf8, EveryCodePoint) {
  for (std::uint32_t c = 0; c < 0x120000; ++c) {
    const bool valid = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
    const std::string text = "a" + Encode(c) + "b";
    EXPECT_EQ(FirstInvalidUtf8(text), valid ? std::nullopt : std::optional<std::size_t>(1)) << c;
  }
}

TEST(Utf8, Invalid) {
  const auto at = [](std::string_view text) { return FirstInvalidUtf8(text); };
  EXPECT_EQ(at(""), std::nullopt);
  EXPECT_EQ(at(std::string_view("\0", 1)), std::nullopt);
  EXPECT_EQ(at("\x80"), 0U);              // a lone continuation byte
  EXPECT_EQ(at("ok\xC0\x80"), 2U);        // overlong NUL
  EXPECT_EQ(at("\xC1\xBF"), 0U);          // overlong
  EXPECT_EQ(at("\xE0\x9F\xBF"), 0U);      // overlong
  EXPECT_EQ(at("\xF0\x8F\xBF\xBF"), 0U);  // overlong
  EXPECT_EQ(at("\xED\xA0\x80"), 0U);      // a surrogate
  EXPECT_EQ(at("\xF4\x90\x80\x80"), 0U);  // U+110000
  EXPECT_EQ(at("\xF5\x80\x80\x80"), 0U);
  EXPECT_EQ(at("\xFF"), 0U);
  EXPECT_EQ(at("a\xC3"), 1U);  // cut short
  EXPECT_EQ(at("a\xE2\x82"), 1U);
  EXPECT_EQ(at("a\xF0\x9F\x98"), 1U);
  EXPECT_EQ(at("\xE2\x82z"), 0U);
  EXPECT_EQ(at("\xC3\xA4\xC3\xA4\xFE"), 4U);
}

TEST(Utf8, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abcd", 3), "abc");
  EXPECT_EQ(CutUtf8("a\u00e4b", 2), "a");
  EXPECT_EQ(CutUtf8("a\u00e4b", 3), "a\u00e4");
  EXPECT_EQ(CutUtf8("\u00e4", 1), "");
}

TEST(Excerpt, ShortTextsAreWhole) { EXPECT_EQ(Excerpt("abc", 3), "abc"); }

TEST(Excerpt, LongOnesEndAtACharacterAndSayTheirSize) {
  EXPECT_EQ(Excerpt("abcd", 3), "abc... (4 bytes)");
  EXPECT_EQ(Excerpt("a\u00e4b", 2), "a... (4 bytes)");
}

}  // namespace
}  // namespace synth
