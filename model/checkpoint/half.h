#ifndef SYNTH_MODEL_CHECKPOINT_HALF_H_
#define SYNTH_MODEL_CHECKPOINT_HALF_H_

#include <bit>
#include <cstdint>

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

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_HALF_H_
