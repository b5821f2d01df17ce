#include "model/attention/static_weights.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/static_sum.h"
#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/select.h"
#include "model/workspace.h"

namespace synth {
namespace {

// exp(-70) = 4e-31 leaves 17 further powers of e, 4e-8, above the smallest normal float,
// exp(-87.3).
constexpr float kMaxDrop = 70.0F;

}  // namespace

StaticWeights::StaticWeights(const Kernels& kernels, StaticSum scores, Index heads,
                             Index max_length)
    : rows_(kernels.isa.rows),
      mix_(kernels.attention),
      scores_(std::move(scores)),
      heads_(heads),
      blocks_(max_length) {}

std::unique_ptr<const StaticWeights::Block> StaticWeights::MakeBlock(Index size) const {
  auto block = std::make_unique<Block>();
  block->first = ByLength<Block>::ShortestFor(size);
  block->size = size;
  block->stride = DepthInWords(mix_, size);
  const Index lengths = size - block->first + 1;
  block->exp.Reserve(heads_ * size * block->stride);
  block->reciprocal.resize(static_cast<std::size_t>(heads_ * lengths * size));
  block->steep.resize(static_cast<std::size_t>(heads_ * lengths));
  AlignedBuffer<float> scores;
  for (Index head = 0; head < heads_; ++head) {
    const Matrix s = {scores.Reserve(size * size), size, size, size};
    scores_.Compute(head, s);
    AddHead(head, s, *block);
  }
  return block;
}

// scores: [size, size], overwritten.
void StaticWeights::AddHead(Index head, const Matrix& scores, Block& block) const {
  const Index size = block.size;
  const Index lengths = size - block.first + 1;
  // By row, the shortest length that E serves.
  std::vector<Index> safe_length(static_cast<std::size_t>(size));
  for (Index i = 0; i < size; ++i) {
    const float* const row = scores.data + i * size;
    const float max = *std::max_element(row, row + size);
    const float* const safe =
        std::find_if(row, row + size, [max](float s) { return max - s <= kMaxDrop; });
    safe_length[static_cast<std::size_t>(i)] = safe - row + 1;
  }
  AlignedBuffer<float> unused;
  rows_.exp_rows(scores, unused.Reserve(size));
  for (Index i = 0; i < size; ++i) {
    const float* const row = scores.data + i * size;
    double sum = 0;
    for (Index length = 1; length <= size; ++length) {
      sum += static_cast<double>(row[length - 1]);
      if (length <= i || length < block.first) continue;  // no row i, or another block's
      const Index at = head * lengths + length - block.first;
      if (length < safe_length[static_cast<std::size_t>(i)]) {
        block.steep[static_cast<std::size_t>(at)] = true;
      } else {
        block.reciprocal[static_cast<std::size_t>(at * size + i)] = static_cast<float>(1.0 / sum);
      }
    }
  }
  OperandBuffer buffer;
  const Operand exp = Prepare(mix_, {scores.data, size, size, size}, buffer);
  std::copy_n(static_cast<const Word*>(exp.words), size * block.stride,
              block.exp.data() + head * size * block.stride);
}

HeadWeights StaticWeights::Compute(const ConstMatrix& projected, Index head,
                                   Scratch& scratch) const {
  const Index n = projected.rows;
  const Block& block = blocks_.Get(n, [this](Index size) { return MakeBlock(size); });
  const Index at = head * (block.size - block.first + 1) + n - block.first;
  if (block.steep[static_cast<std::size_t>(at)]) return ComputeSteep(head, n, scratch);
  return {{block.exp.data() + head * block.size * block.stride, n, n, block.stride},
          block.reciprocal.data() + at * block.size};
}

HeadWeights StaticWeights::ComputeSteep(Index head, Index length, Scratch& scratch) const {
  const Matrix exp = {scratch.weights.Reserve(length * length), length, length, length};
  float* const reciprocal = scratch.reciprocals.Reserve(length);
  scores_.Compute(head, exp);
  rows_.exp_rows(exp, reciprocal);
  return {Prepare(mix_, {exp.data, length, length, length}, scratch.weights_input), reciprocal};
}

}  // namespace synth
