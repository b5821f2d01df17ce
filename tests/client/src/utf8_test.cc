#include "client/src/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "synth/utf8.h"

namespace synth::client {
namespace {

TEST(Utf8, AcceptsEveryKindOfCharacter) {
  const std::string all = std::string("a\0b", 3) +
                          "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"
                          "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF";
  EXPECT_EQ(FirstInvalidUtf8(all), std::nullopt);
  EXPECT_EQ(FirstInvalidUtf8(""), std::nullopt);
}

TEST(Utf8, NamesTheFirstInvalidByte) {
  const std::vector<std::pair<std::string, size_t>> cases = {
      {"ab\xFF", 2},                // never valid
      {"\x80", 0},                  // continuation without a lead
      {"a\xC0\xAF", 1},             // overlong
      {"a\xC1\xBF", 1},             // overlong
      {"\xE0\x9F\xBF", 0},          // overlong
      {"\xF0\x8F\xBF\xBF", 0},      // overlong
      {"\xED\xA0\x80", 0},          // surrogate
      {"\xF4\x90\x80\x80", 0},      // past U+10FFFF
      {"\xF5\x80\x80\x80", 0},      // past U+10FFFF
      {"abc\xE2\x82", 3},           // cut off
      {"\xF0\x9F\x98", 0},          // cut off
      {"\xC3", 0},                  // cut off
      {"\xE2\x82\x41", 0},          // wrong third byte
      {"\xC3\xA9\xF0\x9F\x98z", 2}  // wrong fourth byte
  };
  for (const auto& [text, offset] : cases) EXPECT_EQ(FirstInvalidUtf8(text), offset) << text;
}

TEST(Utf8, TheErrorSaysWhere) {
  EXPECT_TRUE(CheckUtf8("h\xC3\xA9").ok());
  const absl::Status status = CheckUtf8("h\xE9llo");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "not UTF-8: byte 0xE9 at offset 1");
}

}  // namespace
}  // namespace synth::client
