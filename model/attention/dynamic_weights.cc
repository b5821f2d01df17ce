#include "model/attention/dynamic_weights.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/dynamic_scores.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {

DynamicWeights::DynamicWeights(const Kernels& kernels, std::vector<float> constant,
                               Index max_length,
                               std::vector<std::unique_ptr<const DynamicScores>> parts)
    : kernels_(kernels),
      constant_(std::move(constant)),
      max_length_(max_length),
      parts_(std::move(parts)) {}

Index DynamicWeights::projected_width() const {
  Index width = 0;
  for (const auto& part : parts_) width += part->projected_width();
  return width;
}

// Each part has its own columns of `projected`, in order.
void DynamicWeights::Project(const ConstMatrix& x, const Matrix& projected) const {
  float* columns = projected.data;
  for (const auto& part : parts_) {
    const Index width = part->projected_width();
    part->Project(x, {columns, projected.rows, width, projected.stride});
    columns += width;
  }
}

HeadWeights DynamicWeights::Compute(const ConstMatrix& projected, Index head,
                                    Workspace& workspace) const {
  const Index n = projected.rows;
  const Matrix scores = {workspace.weights.Reserve(n * n), n, n, n};
  SetConstant(head, scores);
  const float* columns = projected.data;
  for (const auto& part : parts_) {
    const Index width = part->projected_width();
    part->AddScores({columns, n, width, projected.stride}, head, workspace, scores);
    columns += width;
  }
  float* const reciprocals = workspace.reciprocals.Reserve(n);
  kernels_.exp_rows(scores, reciprocals);
  return {{scores.data, n, n, n}, reciprocals};
}

void DynamicWeights::SetConstant(Index head, const Matrix& scores) const {
  for (Index i = 0; i < scores.rows; ++i) {
    float* const row = scores.data + i * scores.stride;
    if (constant_.empty()) {
      std::fill_n(row, scores.cols, 0.0F);
    } else {
      std::copy_n(constant_.data() + (head * max_length_ + i) * max_length_, scores.cols, row);
    }
  }
}

std::size_t DynamicWeights::bytes() const {
  std::size_t bytes = 0;
  for (const auto& part : parts_) bytes += part->bytes();
  return bytes;
}

}  // namespace synth
