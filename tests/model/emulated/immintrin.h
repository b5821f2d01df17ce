// Stands before the compiler's <immintrin.h> in a build with SYNTH_EMULATE_AVX512: the AVX-512
// intrinsics that the kernels use, in plain vector code with the results of the instructions
// (Intel's Software Developer's Manual, volume 2). So the kernels of v4, bf16 and int8 are tested
// on machines without AVX-512. An intrinsic that is missing here does not compile, because the
// files are then compiled for x86-64-v3.

#ifndef SYNTH_TESTS_MODEL_EMULATED_IMMINTRIN_H_
#define SYNTH_TESTS_MODEL_EMULATED_IMMINTRIN_H_

#include_next <immintrin.h>

#include <cstdint>

#define __AVX512F__ 1  // only behind the compiler's header, which would read it

namespace {
namespace emulated {

using Floats = float __attribute__((vector_size(64)));
using Ints = std::int32_t __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Bytes = std::uint8_t __attribute__((vector_size(64)));
using SignedBytes = std::int8_t __attribute__((vector_size(64)));
using Shorts = std::uint16_t __attribute__((vector_size(64)));
using HalfOfShorts = std::uint16_t __attribute__((vector_size(32)));
constexpr int kFloats = 16;

inline bool Chosen(std::uint32_t mask, int lane) { return ((mask >> lane) & 1U) != 0; }

// y where either is NaN or both are 0.
inline __m512 Max(__m512 x, __m512 y) { return x > y ? x : y; }
inline __m512 Min(__m512 x, __m512 y) { return x < y ? x : y; }

inline __m512 LoadChosen(__m512 rest, std::uint32_t mask, const float* p) {
  Floats result = rest;
  for (int i = 0; i < kFloats; ++i) {
    if (Chosen(mask, i)) result[i] = p[i];
  }
  return result;
}
inline void StoreChosen(float* p, std::uint32_t mask, __m512 x) {
  const Floats from = x;
  for (int i = 0; i < kFloats; ++i) {
    if (Chosen(mask, i)) p[i] = from[i];
  }
}

// x · 2^floor(y); NaN where either is.
inline __m512 ScaleByPower(__m512 x, __m512 y) {
  constexpr float kBeyond = 1000;  // takes every float to 0 or infinity
  Floats result = x;
  const Floats power = y;
  for (int i = 0; i < kFloats; ++i) {
    const float p = __builtin_fminf(__builtin_fmaxf(__builtin_floorf(power[i]), -kBeyond), kBeyond);
    result[i] =
        __builtin_isnan(power[i]) ? power[i] : __builtin_ldexpf(result[i], static_cast<int>(p));
  }
  return result;
}

inline __m512i Repeat(int x) { return reinterpret_cast<__m512i>(x - Ints{}); }
inline __m512i Zero() { return __m512i{}; }
inline __m512 Magnitude(__m512 x) {
  return reinterpret_cast<__m512>(reinterpret_cast<Words>(x) & 0x7FFFFFFFU);
}
inline __m512i MaxInts(__m512i x, __m512i y) {
  const auto a = reinterpret_cast<Ints>(x);
  const auto b = reinterpret_cast<Ints>(y);
  return reinterpret_cast<__m512i>(a > b ? a : b);
}
inline int LargestInt(__m512i x) {
  const auto lanes = reinterpret_cast<Ints>(x);
  int result = lanes[0];
  for (int i = 1; i < kFloats; ++i) result = lanes[i] > result ? lanes[i] : result;
  return result;
}

// The lowest byte of each chosen word, 0 for the others.
inline __m128i LowestBytes(std::uint32_t mask, __m512i x) {
  using Result = std::uint8_t __attribute__((vector_size(16)));
  const auto words = reinterpret_cast<Words>(x);
  Result result = {};
  for (int i = 0; i < kFloats; ++i) {
    if (Chosen(mask, i)) result[i] = static_cast<std::uint8_t>(words[i]);
  }
  return reinterpret_cast<__m128i>(result);
}
inline void StoreChosenWords(void* p, std::uint32_t mask, __m128i x) {
  using Result = std::uint32_t __attribute__((vector_size(16)));
  const auto words = reinterpret_cast<Result>(x);
  for (int i = 0; i < 4; ++i) {
    if (Chosen(mask, i)) __builtin_memcpy(static_cast<char*>(p) + 4 * i, &words[i], 4);
  }
}

// VPDPBUSD: each word of the sum plus the products of its four unsigned and signed bytes.
inline __m512i AddByteProducts(__m512i sum, __m512i x, __m512i y) {
  auto result = reinterpret_cast<Words>(sum);  // what is too large wraps
  const auto a = reinterpret_cast<Bytes>(x);
  const auto b = reinterpret_cast<SignedBytes>(y);
  for (int i = 0; i < 4 * kFloats; ++i) {
    result[i / 4] += static_cast<std::uint32_t>(int{a[i]} * int{b[i]});
  }
  return reinterpret_cast<__m512i>(result);
}

// A denormal number is 0 with its sign.
inline Floats DenormalsAreZero(Floats x) {
  const auto bits = reinterpret_cast<Words>(x);
  return reinterpret_cast<Floats>((bits & 0x7F800000U) == 0 ? bits & 0x80000000U : bits);
}

// VCVTNEPS2BF16: to nearest even.
inline Words ToBf16Words(Floats x) {
  const auto bits = reinterpret_cast<Words>(DenormalsAreZero(x));
  const Words rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  const Words quiet_nan = (bits >> 16U) | 0x40U;
  return (bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet_nan : rounded;
}
inline __m256bh ToBf16(__m512 x) {
  return reinterpret_cast<__m256bh>(__builtin_convertvector(ToBf16Words(x), HalfOfShorts));
}
// `low` comes first.
inline __m512bh ToBf16(__m512 high, __m512 low) {
  const Words first = ToBf16Words(low);
  const Words second = ToBf16Words(high);
  Shorts result = {};
  for (int i = 0; i < kFloats; ++i) {
    result[i] = static_cast<std::uint16_t>(first[i]);
    result[i + kFloats] = static_cast<std::uint16_t>(second[i]);
  }
  return reinterpret_cast<__m512bh>(result);
}

// a · b + sum, rounded once; denormal numbers are taken for 0 and made 0.
inline Floats MultiplyAdd(Words a, Words b, Floats sum) {
  const Floats x = DenormalsAreZero(reinterpret_cast<Floats>(a));
  const Floats y = DenormalsAreZero(reinterpret_cast<Floats>(b));
  for (int i = 0; i < kFloats; ++i) sum[i] = __builtin_fmaf(x[i], y[i], sum[i]);
  return DenormalsAreZero(sum);
}

// VDPBF16PS: the second products first.
inline __m512 AddBf16Products(__m512 sum, __m512bh x, __m512bh y) {
  const auto a = reinterpret_cast<Words>(x);
  const auto b = reinterpret_cast<Words>(y);
  constexpr std::uint32_t kUpper = 0xFFFF0000U;
  const Floats second = MultiplyAdd(a & kUpper, b & kUpper, DenormalsAreZero(sum));
  return MultiplyAdd(a << 16U, b << 16U, second);
}

}  // namespace emulated
}  // namespace

#define _mm512_max_ps emulated::Max
#define _mm512_min_ps emulated::Min
#define _mm512_mask_loadu_ps emulated::LoadChosen
#define _mm512_mask_storeu_ps emulated::StoreChosen
#define _mm512_scalef_ps emulated::ScaleByPower
#define _mm512_set1_epi32 emulated::Repeat
#define _mm512_setzero_si512 emulated::Zero
#define _mm512_abs_ps emulated::Magnitude
#define _mm512_max_epi32 emulated::MaxInts
#define _mm512_reduce_max_epi32 emulated::LargestInt
#define _mm512_maskz_cvtepi32_epi8 emulated::LowestBytes
#define _mm_mask_storeu_epi32 emulated::StoreChosenWords
#define _mm512_dpbusd_epi32 emulated::AddByteProducts
#define _mm512_cvtneps_pbh emulated::ToBf16
#define _mm512_cvtne2ps_pbh emulated::ToBf16
#define _mm512_dpbf16_ps emulated::AddBf16Products

#endif  // SYNTH_TESTS_MODEL_EMULATED_IMMINTRIN_H_
