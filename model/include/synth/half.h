#ifndef SYNTH_HALF_H_
#define SYNTH_HALF_H_

#include <algorithm>
#include <bit>
#include <cstdint>

// Numbers of 16 bits, as they stand in files and in messages.

namespace synth {

// bfloat16 is the upper half of a float.
inline float Bfloat16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Rounded to nearest even. x: finite.
inline std::uint16_t FloatToBfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// IEEE binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits; a float has 1, 8 (127)
// and 23.
inline float HalfToFloat(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

// Rounded to nearest even; what is larger than 65504 in magnitude becomes that. x: finite.
inline std::uint16_t FloatToHalf(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const float magnitude = std::min(std::bit_cast<float>(bits & 0x7FFF'FFFFU), 65504.0F);
  if (magnitude < 0x1p-14F) {  // zero or subnormal, in steps of 2^-24
    // From 0.5 to 1 the steps of a float are these: the addition rounds to them.
    const float shifted = magnitude + 0x1p-1F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) & 0x7FFU));
  }
  const auto exact = std::bit_cast<std::uint32_t>(magnitude) - ((127U - 15U) << 23);
  return static_cast<std::uint16_t>(sign | ((exact + 0xFFFU + ((exact >> 13) & 1U)) >> 13));
}

}  // namespace synth

#endif  // SYNTH_HALF_H_
