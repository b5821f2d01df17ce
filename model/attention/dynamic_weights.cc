#include "model/attention/dynamic_weights.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/dynamic_scores.h"
#include "model/attention/static_sum.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/select.h"
#include "model/workspace.h"

namespace synth {

DynamicWeights::DynamicWeights(const Kernels& kernels, StaticSum fixed, Index heads,
                               Index max_length,
                               std::vector<std::unique_ptr<const DynamicScores>> parts)
    : rows_(kernels.isa.rows),
      mix_(kernels.attention),
      fixed_(std::move(fixed)),
      heads_(heads),
      fixed_blocks_(max_length),
      parts_(std::move(parts)) {}

Index DynamicWeights::projected_width() const {
  Index width = 0;
  for (const auto& part : parts_) width += part->projected_width();
  return width;
}

// Each part has its own columns of `projected`, in order.
void DynamicWeights::Project(const Operand& x, const Matrix& projected) const {
  float* columns = projected.data;
  for (const auto& part : parts_) {
    const Index width = part->projected_width();
    part->Project(x, {columns, projected.rows, width, projected.stride});
    columns += width;
  }
}

HeadWeights DynamicWeights::Compute(const ConstMatrix& projected, Index head,
                                    Scratch& scratch) const {
  const Index n = projected.rows;
  const Matrix scores = {scratch.weights.Reserve(n * n), n, n, n};
  bool add = !fixed_.empty();
  if (add) SetFixed(head, scores);
  const float* columns = projected.data;
  for (const auto& part : parts_) {
    const Index width = part->projected_width();
    part->ComputeScores({columns, n, width, projected.stride}, head, add, scratch, scores);
    add = true;
    columns += width;
  }
  float* const reciprocals = scratch.reciprocals.Reserve(n);
  rows_.exp_rows(scores, reciprocals);
  return {Prepare(mix_, {scores.data, n, n, n}, scratch.weights_input), reciprocals};
}

std::unique_ptr<const DynamicWeights::Block> DynamicWeights::MakeBlock(Index size) const {
  auto block = std::make_unique<Block>();
  block->size = size;
  float* const scores = block->scores.Reserve(heads_ * size * size);
  for (Index head = 0; head < heads_; ++head) {
    fixed_.Compute(head, {scores + head * size * size, size, size, size});
  }
  return block;
}

void DynamicWeights::SetFixed(Index head, const Matrix& scores) const {
  const Index n = scores.rows;
  const Block& block = fixed_blocks_.Get(n, [this](Index size) { return MakeBlock(size); });
  for (Index i = 0; i < n; ++i) {
    std::copy_n(block.scores.data() + (head * block.size + i) * block.size, n,
                scores.data + i * scores.stride);
  }
}

std::size_t DynamicWeights::bytes() const {
  std::size_t bytes = fixed_.bytes();
  for (const auto& part : parts_) bytes += part->bytes();
  return bytes;
}

}  // namespace synth
