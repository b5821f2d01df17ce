#include "tests/bench/peak.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace synth {
namespace {

using Vec16 = float __attribute__((vector_size(16)));
using Vec32 = float __attribute__((vector_size(32)));
using Vec64 = float __attribute__((vector_size(64)));

// Independent sums, more than latency × units: kSums multiply-adds a round.
template <class V, std::size_t kSums>
[[gnu::always_inline]] inline void Accumulate(std::int64_t rounds, float* sink) {
  V sums[kSums];
  for (std::size_t i = 0; i < kSums; ++i) sums[i] = V{} + static_cast<float>(i);
  const V factor = V{} + 0.5F;
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kSums; ++i) sums[i] = sums[i] * factor + factor;
  }
  V total = {};
  for (std::size_t i = 0; i < kSums; ++i) total += sums[i];
  *sink = total[0];
}

struct Loop {
  void (*run)(std::int64_t rounds, float* sink);
  double operations;  // in a round
};

#if defined(__x86_64__)
[[gnu::target("avx512f"), gnu::noinline]] void RunV4(std::int64_t rounds, float* sink) {
  Accumulate<Vec64, 24>(rounds, sink);
}
[[gnu::target("avx2,fma"), gnu::noinline]] void RunV3(std::int64_t rounds, float* sink) {
  Accumulate<Vec32, 12>(rounds, sink);
}
#endif
[[gnu::noinline]] void RunV2(std::int64_t rounds, float* sink) {
  Accumulate<Vec16, 12>(rounds, sink);
}

Loop LoopOf(std::string_view instruction_set) {
#if defined(__x86_64__)
  if (instruction_set == "v4") return {&RunV4, 2.0 * 16 * 24};
  if (instruction_set == "v3") return {&RunV3, 2.0 * 8 * 12};
#endif
  (void)instruction_set;
  return {&RunV2, 2.0 * 4 * 12};
}

}  // namespace

double MeasureFmaPeak(std::string_view instruction_set) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t kRounds = 100000;
  const Loop loop = LoopOf(instruction_set);
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    volatile float sink = 0;
    float sum = 0;
    const auto start = Clock::now();
    loop.run(kRounds, &sum);
    const std::chrono::duration<double> took = Clock::now() - start;
    sink = sum;
    (void)sink;
    best = std::max(best, loop.operations * static_cast<double>(kRounds) / took.count());
  }
  return best;
}

}  // namespace synth
