#include "model/layers/pooling.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <span>

#include "synth/config.h"

namespace synth {
namespace {

void PoolMax(std::span<const float> hidden, std::span<float> pooled) {
  const std::size_t size = pooled.size();
  std::copy_n(hidden.begin(), size, pooled.begin());
  for (std::size_t row = size; row < hidden.size(); row += size) {
    for (std::size_t d = 0; d < size; ++d) pooled[d] = std::max(pooled[d], hidden[row + d]);
  }
}

// Σ_i (1 + i growth) x_i / divisor, with i from 0
void PoolSum(std::span<const float> hidden, float growth, float divisor, std::span<float> pooled) {
  const std::size_t size = pooled.size();
  std::copy_n(hidden.begin(), size, pooled.begin());
  float weight = 1;
  for (std::size_t row = size; row < hidden.size(); row += size) {
    weight += growth;
    for (std::size_t d = 0; d < size; ++d) pooled[d] += weight * hidden[row + d];
  }
  for (float& value : pooled) value /= divisor;
}

}  // namespace

void PoolTokens(std::span<const float> hidden, Pooling pooling, std::span<float> pooled) {
  const std::size_t size = pooled.size();
  assert(size > 0 && hidden.size() >= size && hidden.size() % size == 0);
  const std::size_t rows = hidden.size() / size;
  const auto tokens = static_cast<float>(rows);
  switch (pooling) {
    case Pooling::kMean:
      return PoolSum(hidden, 0, tokens, pooled);
    case Pooling::kMeanSqrtLen:
      return PoolSum(hidden, 0, std::sqrt(tokens), pooled);
    case Pooling::kWeightedMean:
      return PoolSum(hidden, 1, tokens * (tokens + 1) / 2, pooled);
    case Pooling::kMax:
      return PoolMax(hidden, pooled);
    case Pooling::kCls:
      std::ranges::copy(hidden.first(size), pooled.begin());
      return;
    case Pooling::kLastToken:
      std::ranges::copy(hidden.last(size), pooled.begin());
      return;
  }
}

}  // namespace synth
