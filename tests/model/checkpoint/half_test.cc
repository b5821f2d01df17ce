#include "model/checkpoint/half.h"

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

TEST(Bfloat16, SomeValues) {
  EXPECT_EQ(Bfloat16ToFloat(0x0000), 0.0F);
  EXPECT_EQ(Bfloat16ToFloat(0x3F80), 1.0F);
  EXPECT_EQ(Bfloat16ToFloat(0xC020), -2.5F);
  EXPECT_EQ(Bfloat16ToFloat(0x7F80), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(Bfloat16ToFloat(0x7FC0)));
}

}  // namespace
}  // namespace synth
