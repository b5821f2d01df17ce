#include "synth/postprocess.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "synth/config.h"

namespace synth {
namespace {

// exp(z_i - max z) summed; at least 1, so that its logarithm and reciprocal are finite. In double,
// where the difference of two finite floats cannot overflow.
struct ShiftedSum {
  double max = 0;
  double sum = 0;
};

ShiftedSum SumExp(std::span<const float> values) {
  ShiftedSum result;
  result.max = static_cast<double>(*std::max_element(values.begin(), values.end()));
  for (const float value : values) result.sum += std::exp(static_cast<double>(value) - result.max);
  return result;
}

// 1 / (1 + e^-x), by whichever form has no large exponential.
float Logistic(double x) {
  if (x >= 0) return static_cast<float>(1 / (1 + std::exp(-x)));
  const double e = std::exp(x);
  return static_cast<float>(e / (1 + e));
}

}  // namespace

void LogitsToProbabilities(ProblemType problem_type, std::span<float> values) {
  if (values.empty() || problem_type == ProblemType::kRegression) return;
  if (problem_type == ProblemType::kMultiLabel) {
    for (float& value : values) value = Logistic(static_cast<double>(value));
    return;
  }
  const ShiftedSum exp = SumExp(values);
  for (float& value : values) {
    value = static_cast<float>(std::exp(static_cast<double>(value) - exp.max) / exp.sum);
  }
}

std::vector<int> TopK(std::span<const float> values, int k) {
  const std::size_t count =
      k <= 0 ? values.size() : std::min(values.size(), static_cast<std::size_t>(k));
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto larger = [values](int a, int b) {
    const float value_a = values[static_cast<std::size_t>(a)];
    const float value_b = values[static_cast<std::size_t>(b)];
    return value_a != value_b ? value_a > value_b : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    larger);
  order.resize(count);
  return order;
}

void L2Normalize(std::span<float> vector) {
  double squares = 0;  // in double, where the square of no float overflows or vanishes
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  if (squares == 0) return;
  const double norm = std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / norm);
}

bool AllFinite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

float ComputeOutOfScopeScore(OutOfScopeScore score, std::span<const float> logits) {
  assert(!logits.empty());
  const ShiftedSum exp = SumExp(logits);
  if (score == OutOfScopeScore::kMaxProbability) return static_cast<float>(1 - 1 / exp.sum);
  return static_cast<float>(-(exp.max + std::log(exp.sum)));
}

void PoolWindows(std::span<const std::vector<float>> windows, Pooling pooling,
                 std::span<float> pooled) {
  assert(!windows.empty());
  assert(std::ranges::all_of(windows, [pooled](const std::vector<float>& window) {
    return window.size() == pooled.size();
  }));
  for (std::size_t d = 0; d < pooled.size(); ++d) {
    if (pooling == Pooling::kMax) {
      float largest = windows.front()[d];
      for (const std::vector<float>& window : windows) largest = std::max(largest, window[d]);
      pooled[d] = largest;
      continue;
    }
    double sum = 0;  // in double, where the sum of finite floats stays finite
    for (const std::vector<float>& window : windows) sum += static_cast<double>(window[d]);
    pooled[d] = static_cast<float>(sum / static_cast<double>(windows.size()));
  }
}

}  // namespace synth
