// Vectors as wide as the instruction set that the including file is compiled for, and the functions
// over them. Everything lives in an anonymous namespace and nothing from the C++ library is called:
// see kernels.h.

#ifndef SYNTH_MODEL_KERNELS_VECTORS_H_
#define SYNTH_MODEL_KERNELS_VECTORS_H_

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>
#include <utility>

#include "model/kernels/kernels.h"

namespace synth {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
constexpr int kLanes = kVectorBytes / 4;

using Vec = float __attribute__((vector_size(kVectorBytes)));
using IntVec = std::int32_t __attribute__((vector_size(kVectorBytes)));
using UnalignedVec = float __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));
using UnalignedIntVec =
    std::int32_t __attribute__((vector_size(kVectorBytes), aligned(4), may_alias));

inline Index Min(Index a, Index b) { return a < b ? a : b; }
inline Index RoundUp(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

inline Vec Splat(float x) { return x - Vec{}; }
inline IntVec Splat(std::int32_t x) { return x - IntVec{}; }
inline Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void Store(float* p, Vec x) { *reinterpret_cast<UnalignedVec*>(p) = x; }
inline IntVec LoadWords(const Word* p) { return *reinterpret_cast<const UnalignedIntVec*>(p); }
inline void StoreWords(Word* p, IntVec x) { *reinterpret_cast<UnalignedIntVec*>(p) = x; }

// The larger and the smaller lane by lane: one instruction, which compilers do not make of a
// comparison and a choice. Where either is NaN, the result is y: what may be NaN and must not turn
// into a plausible number stands there.
inline Vec Larger(Vec x, Vec y) {
#if defined(__AVX512F__)
  return _mm512_max_ps(x, y);
#elif defined(__AVX__)
  return _mm256_max_ps(x, y);
#elif defined(__SSE__)
  return _mm_max_ps(x, y);
#else
  return x > y ? x : y;
#endif
}
inline Vec Smaller(Vec x, Vec y) {
#if defined(__AVX512F__)
  return _mm512_min_ps(x, y);
#elif defined(__AVX__)
  return _mm256_min_ps(x, y);
#elif defined(__SSE__)
  return _mm_min_ps(x, y);
#else
  return x < y ? x : y;
#endif
}
// NaN stays NaN.
inline Vec Clamp(Vec x, float low, float high) {
  return Smaller(Splat(high), Larger(Splat(low), x));
}

// Vectors at the end of a row: only `count` lanes are in memory, the others are `rest`.
inline Vec LoadFirst(const float* p, Index count, float rest) {
  if (count >= kLanes) return Load(p);
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(Splat(rest), static_cast<__mmask16>((1U << count) - 1), p);
#else
  float lanes[kLanes];
  for (Index i = 0; i < kLanes; ++i) lanes[i] = i < count ? p[i] : rest;
  return Load(lanes);
#endif
}
inline void StoreFirst(float* p, Vec value, Index count) {
  if (count >= kLanes) return Store(p, value);
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << count) - 1), value);
#else
  float lanes[kLanes];
  Store(lanes, value);
  for (Index i = 0; i < count; ++i) p[i] = lanes[i];
#endif
}

// The first `count` words, and zeros.
inline IntVec LoadFirstWords(const Word* p, Index count) {
  if (count >= kLanes) return LoadWords(p);
  Word lanes[kLanes] = {};
  __builtin_memcpy(lanes, p, static_cast<std::size_t>(count) * sizeof(Word));
  return LoadWords(lanes);
}

// The lanes of x, each one exchanged with the one kStep away.
template <int kStep, int... kLane>
Vec Exchange(Vec x, std::integer_sequence<int, kLane...> /*lanes*/) {
  return __builtin_shufflevector(x, x, (kLane ^ kStep)...);
}
template <int kStep>
Vec Exchange(Vec x) {
  return Exchange<kStep>(x, std::make_integer_sequence<int, kLanes>());
}

// Over all lanes, pair by pair.
template <int kStep = kLanes / 2>
float Sum(Vec x) {
  if constexpr (kStep == 0) {
    return x[0];
  } else {
    return Sum<kStep / 2>(x + Exchange<kStep>(x));
  }
}
// Passes over some NaN.
template <int kStep = kLanes / 2>
float Max(Vec x) {
  if constexpr (kStep == 0) {
    return x[0];
  } else {
    return Max<kStep / 2>(Larger(x, Exchange<kStep>(x)));
  }
}

// One step of a transposition: of two rows, the lanes whose kStep bit is unset, and those where it
// is set.
template <int kStep, int... kLane>
void ExchangeBlocks(IntVec& low, IntVec& high, std::integer_sequence<int, kLane...> /*lanes*/) {
  const IntVec new_low = __builtin_shufflevector(
      low, high, ((kLane & kStep) == 0 ? kLane : kLane - kStep + kLanes)...);
  high = __builtin_shufflevector(low, high,
                                 ((kLane & kStep) == 0 ? kLane + kStep : kLane + kLanes)...);
  low = new_low;
}
// rows: a square of words, transposed in place.
template <int kStep = kLanes / 2>
void Transpose(IntVec (&rows)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kStep) != 0) continue;
    ExchangeBlocks<kStep>(rows[i], rows[i + kStep], std::make_integer_sequence<int, kLanes>());
  }
  if constexpr (kStep > 1) Transpose<kStep / 2>(rows);
}

// y · 2^i. Where there is no instruction for it: i within -126 .. 127.
inline Vec Scale(Vec y, Vec i) {
#if defined(__AVX512F__)
  return _mm512_scalef_ps(y, i);
#else
  constexpr int kExponentBias = 127;
  constexpr int kFractionBits = 23;
  const IntVec bits = (__builtin_convertvector(i, IntVec) + kExponentBias) << kFractionBits;
  return y * reinterpret_cast<Vec>(bits);
#endif
}

// exp(x) = 2^i · e^r with i = round(x / ln 2), |r| <= ln 2 / 2, and Cephes' polynomial for e^r:
// within 2 ulp. 0 below the smallest normal float; at most exp(88).
inline Vec Exp(Vec x) {
  constexpr float kLowest = -87.3F;
  constexpr float kHighest = 88.0F;
  constexpr float kRound = 0x1.8p23F;  // adding and subtracting it rounds to an integer
  const Vec t = Clamp(x, kLowest, kHighest);
  const Vec i = (t * 1.44269504F + kRound) - kRound;
  // ln 2 in two parts; i times the first is exact.
  const Vec r = (t - i * 0.693359375F) - i * -2.12194440e-4F;
  Vec p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  return x < kLowest ? Vec{} : Scale(p, i);
}

// max(x, 0); NaN stays NaN.
inline Vec Relu(Vec x) { return Larger(Vec{}, x); }

// x Φ(x) with Φ(x) = (1 + erf(x / √2)) / 2 = 1/2 + x P(x²) on [-bound, bound], outside of which it
// is taken for 0 or 1. P is a minimax polynomial in v = 2 x² / bound² - 1, where its coefficients
// (the highest power's first) are small.
template <std::size_t kTerms>
Vec GeluBy(const float (&coefficients)[kTerms], float bound, Vec x) {
  const Vec t = Clamp(x, -bound, bound);
  const Vec v = t * t * (2.0F / (bound * bound)) - 1.0F;
  Vec p = Splat(coefficients[0]);
#pragma GCC unroll 16
  for (std::size_t i = 1; i < kTerms; ++i) p = p * v + coefficients[i];
  const Vec y = x * (t * p + 0.5F);
  return x < -bound ? Vec{} : y;
}

// gelu(x) = x Φ(x), within 1e-6 · max(1, |x|).
inline Vec Gelu(Vec x) {
  constexpr float kCoefficients[] = {
      -5.21774986e-04F, 1.55711127e-03F, -1.78014487e-03F, 2.21104827e-03F,  -5.11639658e-03F,
      9.32827033e-03F,  -1.3557543e-02F, 1.87914018e-02F,  -2.52079684e-02F, 3.20959687e-02F,
      -3.95981483e-02F, 4.9263455e-02F,  -6.65182471e-02F, 1.33392572e-01F};
  return GeluBy(kCoefficients, 5.3F, x);
}

// The same within 5e-5 · max(1, |x|), for what is rounded to 8 bits next.
inline Vec RoughGelu(Vec x) {
  constexpr float kCoefficients[] = {4.04714234e-03F,  -1.09494636e-02F, 1.34507874e-02F,
                                     -1.73702203e-02F, 2.83227339e-02F,  -4.091556e-02F,
                                     5.4315079e-02F,   -7.5742811e-02F,  1.53539553e-01F};
  return GeluBy(kCoefficients, 4.6F, x);
}

// x/2 · (1 + tanh(y)) with y = √(2/π) (x + 0.044715 x³); (1 + tanh(y)) / 2 = 1 / (1 + exp(-2y)).
inline Vec GeluNew(Vec x) {
  constexpr float kTwoSqrt2OverPi = 1.59576912F;
  const Vec y2 = kTwoSqrt2OverPi * (x + 0.044715F * (x * x * x));
  return x / (1.0F + Exp(-y2));
}

// x / (1 + exp(-x)); 0 where exp(-x) is out of reach.
inline Vec Silu(Vec x) {
  constexpr float kLowest = -88.0F;
  const Vec y = x / (1.0F + Exp(-x));
  return x < kLowest ? Vec{} : y;
}

}  // namespace
}  // namespace synth

#endif  // SYNTH_MODEL_KERNELS_VECTORS_H_
