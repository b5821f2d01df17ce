#include "synth/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace synth {
namespace {

TEST(Half, EveryValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = static_cast<int>((bits >> 10) & 31U);
    const auto fraction = static_cast<double>(bits & 1023U);
    const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
    const float value = HalfToFloat(static_cast<std::uint16_t>(bits));
    EXPECT_EQ(std::signbit(value), sign < 0) << bits;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), fraction != 0) << bits;
      EXPECT_EQ(std::isinf(value), fraction == 0) << bits;
    } else if (exponent == 0) {
      EXPECT_EQ(static_cast<double>(value), sign * std::ldexp(fraction, -24)) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(value), sign * std::ldexp(1024 + fraction, exponent - 25))
          << bits;
    }
  }
}

TEST(Half, EveryValueComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (((bits >> 10) & 31U) == 31) continue;  // infinite, or no number
    EXPECT_EQ(FloatToHalf(HalfToFloat(static_cast<std::uint16_t>(bits))), bits);
  }
}

TEST(Half, RoundsToNearestAndTiesToEven) {
  // Every two neighbours, and what lies between them.
  for (std::uint16_t low = 0; low < 0x7BFF; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const float a = HalfToFloat(low);
    const float b = HalfToFloat(high);
    const float middle = a + (b - a) / 2;
    EXPECT_EQ(FloatToHalf(middle), low % 2 == 0 ? low : high) << low;
    EXPECT_EQ(FloatToHalf(std::nextafter(middle, a)), low);
    EXPECT_EQ(FloatToHalf(std::nextafter(middle, b)), high);
    EXPECT_EQ(FloatToHalf(-std::nextafter(middle, b)), high | 0x8000U);
  }
}

TEST(Half, TooLargeIsTheLargest) {
  EXPECT_EQ(FloatToHalf(65519.0F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(1e30F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(-1e30F), 0xFBFF);
}

TEST(Bfloat16, SomeValues) {
  EXPECT_EQ(Bfloat16ToFloat(0x0000), 0.0F);
  EXPECT_EQ(Bfloat16ToFloat(0x3F80), 1.0F);
  EXPECT_EQ(Bfloat16ToFloat(0xC020), -2.5F);
  EXPECT_EQ(Bfloat16ToFloat(0x7F80), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Bfloat16ToFloat(0x7FC0)));
}

}  // namespace
}  // namespace synth
