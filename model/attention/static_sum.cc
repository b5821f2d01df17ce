#include "model/attention/static_sum.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "model/attention/static_scores.h"
#include "model/kernels/kernels.h"

namespace synth {

StaticSum::StaticSum(std::vector<std::unique_ptr<const StaticScores>> parts)
    : parts_(std::move(parts)) {}

void StaticSum::Compute(Index head, const Matrix& scores) const {
  for (Index i = 0; i < scores.rows; ++i) {
    std::fill_n(scores.data + i * scores.stride, scores.cols, 0.0F);
  }
  for (const auto& part : parts_) part->AddScores(head, scores);
}

std::size_t StaticSum::bytes() const {
  std::size_t bytes = 0;
  for (const auto& part : parts_) bytes += part->bytes();
  return bytes;
}

}  // namespace synth
