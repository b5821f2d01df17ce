#include "client/synthctl/format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace synth::synthctl {
namespace {

TEST(OneLine, CutsBetweenCharacters) {
  EXPECT_EQ(OneLine("short", 10), "short");
  EXPECT_EQ(OneLine("0123456789", 10), "0123456789");
  EXPECT_EQ(OneLine("0123456789a", 10), "0123456...");
  // Byte 7 is in the middle of the two-byte character at 6.
  EXPECT_EQ(OneLine("012345\xC3\xA9xyz", 10), "012345...");
}

TEST(OneLine, ATextDoesNotSteerTheTerminal) { EXPECT_EQ(OneLine("a\x1b[2J\tb\n", 20), "a [2J b "); }

TEST(JsonFloat, IsShortAndReadsBackTheSame) {
  const auto json = [](float value) {
    std::string out;
    AppendJsonFloat(out, value);
    return out;
  };
  EXPECT_EQ(json(0.1F), "0.1");
  EXPECT_EQ(json(-2.0F), "-2");
  EXPECT_EQ(std::stof(json(1.0F / 3)), 1.0F / 3);
  EXPECT_EQ(json(std::numeric_limits<float>::quiet_NaN()), "null");
  EXPECT_EQ(json(std::numeric_limits<float>::infinity()), "null");
}

TEST(Json, ALineSurvivesTextThatIsNotUtf8) {
  EXPECT_EQ(JsonLine({{"text", "a\xFF\n"}}), "{\"text\":\"a\xEF\xBF\xBD\\n\"}\n");
}

TEST(Json, AnErrorHasCodeAndMessage) {
  EXPECT_EQ(ErrorJson(absl::OutOfRangeError("too long")).dump(),
            R"({"code":"OUT_OF_RANGE","message":"too long"})");
}

}  // namespace
}  // namespace synth::synthctl
