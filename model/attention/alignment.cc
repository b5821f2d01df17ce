#include "model/attention/alignment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {
namespace {

// exp(-80) = 1.8e-35 keeps 7 further powers of e above the smallest normal float, exp(-87.3).
constexpr float kMaxDrop = 80.0F;

// How many floats the reciprocals for the lengths below `length` take.
Index Triangle(Index length) { return length * (length - 1) / 2; }

}  // namespace

Alignment::Alignment(const Kernels& kernels, std::vector<float> scores, Index heads,
                     Index max_length)
    : kernels_(kernels),
      max_length_(max_length),
      exp_(std::move(scores)),
      reciprocals_(static_cast<std::size_t>(heads * Triangle(max_length + 1))),
      steep_rows_(static_cast<std::size_t>(heads)) {
  for (Index head = 0; head < heads; ++head) AddHead(head);
}

// Turns the scores of a head into E, and fills its reciprocals and steep rows.
void Alignment::AddHead(Index head) {
  float* const reciprocals = reciprocals_.data() + head * Triangle(max_length_ + 1);
  for (Index i = 0; i < max_length_; ++i) {
    float* const row = exp_.data() + (head * max_length_ + i) * max_length_;
    const float max = *std::max_element(row, row + max_length_);
    const float* const safe =
        std::find_if(row, row + max_length_, [max](float s) { return max - s <= kMaxDrop; });
    const Index safe_length = safe - row + 1;
    if (safe_length > i + 1) {  // row i takes part in texts of more than i tokens
      steep_rows_[static_cast<std::size_t>(head)].push_back(
          {i, safe_length, std::vector<float>(row, row + max_length_)});
    }
    double sum = 0;
    for (Index j = 0; j < max_length_; ++j) {
      row[j] = std::exp(row[j] - max);
      sum += static_cast<double>(row[j]);
      const Index length = j + 1;
      if (length > i) {
        reciprocals[Triangle(length) + i] =
            length < safe_length ? 0.0F : static_cast<float>(1.0 / sum);
      }
    }
  }
}

const float* Alignment::Reciprocals(Index head, Index length) const {
  return reciprocals_.data() + head * Triangle(max_length_ + 1) + Triangle(length);
}

HeadWeights Alignment::Compute(const ConstMatrix& projected, Index head,
                               Workspace& workspace) const {
  const Index n = projected.rows;
  const float* const exp = exp_.data() + head * max_length_ * max_length_;
  const HeadWeights plain = {{exp, n, n, max_length_}, Reciprocals(head, n)};
  const auto& steep_rows = steep_rows_[static_cast<std::size_t>(head)];
  const bool any_steep =
      std::any_of(steep_rows.begin(), steep_rows.end(),
                  [n](const SteepRow& steep) { return steep.row < n && n < steep.safe_length; });
  return any_steep ? ComputeSteep(plain, head, workspace) : plain;
}

HeadWeights Alignment::ComputeSteep(const HeadWeights& plain, Index head,
                                    Workspace& workspace) const {
  const Index n = plain.exp.rows;
  float* const exp = workspace.weights.Reserve(n * n);
  float* const reciprocals = workspace.reciprocals.Reserve(n);
  for (Index i = 0; i < n; ++i) {
    std::copy_n(plain.exp.data + i * plain.exp.stride, n, exp + i * n);
    reciprocals[i] = plain.reciprocal[i];
  }
  for (const SteepRow& steep : steep_rows_[static_cast<std::size_t>(head)]) {
    if (steep.row >= n || n >= steep.safe_length) continue;
    float* const row = exp + steep.row * n;
    std::copy_n(steep.scores.data(), n, row);
    kernels_.exp_rows({row, 1, n, n}, reciprocals + steep.row);
  }
  return {{exp, n, n, n}, reciprocals};
}

std::size_t Alignment::precomputed_bytes() const {
  std::size_t floats = exp_.size() + reciprocals_.size();
  for (const auto& rows : steep_rows_) {
    for (const SteepRow& steep : rows) floats += steep.scores.size();
  }
  return floats * sizeof(float);
}

}  // namespace synth
