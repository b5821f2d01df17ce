#include "model/attention/synthetic_attention.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/load.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

SyntheticAttention::SyntheticAttention(const Kernels& kernels, const TensorScope& tensors,
                                       const ModelConfig& config, const AttentionSpec& spec)
    : linear_(kernels.linear),
      mix_(kernels.attention),
      heads_(config.num_attention_heads),
      head_size_(config.head_size()),
      value_(kernels.linear, tensors.Below("self").Below("value")),
      weights_(LoadAttentionWeights(kernels, tensors.Below("self"), config, spec)),
      output_(kernels.linear, tensors.Below("output").Below("dense")) {}

void SyntheticAttention::Mix(const ConstMatrix& x, std::span<const std::int32_t> offsets,
                             Workspace& workspace, WorkSplit& split) const {
  const Index size = x.cols;
  const Index width = weights_->projected_width();
  float* const values = workspace.values.Reserve(x.rows * size);
  float* const mixed = workspace.mixed.Reserve(x.rows * size);
  float* const projected = workspace.projected.Reserve(x.rows * width);

  split.ForRows(x.rows, [&](Index first, Index last, Scratch& scratch) {
    const Index rows = last - first;
    const Operand input =
        Prepare(linear_, {x.data + first * x.stride, rows, size, x.stride}, scratch.input);
    value_.Forward(input, {values + first * size, rows, size, size});
    weights_->Project(input, {projected + first * width, rows, width, width});
  });
  const Index texts = static_cast<Index>(offsets.size()) - 1;
  split.ForEach(texts * heads_, [&](Index i, Scratch& scratch) {
    const auto text = static_cast<std::size_t>(i / heads_);
    const Index head = i % heads_;
    const Index first = offsets[text];
    const Index n = offsets[text + 1] - first;
    const Index column = first * size + head * head_size_;
    MixHead({projected + first * width, n, width, width}, {values + column, n, head_size_, size},
            head, scratch, {mixed + column, n, head_size_, size});
  });
}

void SyntheticAttention::MixHead(const ConstMatrix& projected, const ConstMatrix& values,
                                 Index head, Scratch& scratch, const Matrix& mixed) const {
  const HeadWeights weights = weights_->Compute(projected, head, scratch);
  const PackedView v = PackInto(scratch.packed_values, mix_, values);
  mix_.matmul(weights.exp, v, {.row_scale = weights.reciprocal}, mixed);
}

void SyntheticAttention::AddOutput(const Workspace& workspace, Index first, Index last,
                                   Scratch& scratch, const Matrix& y) const {
  const Index size = y.cols;
  const ConstMatrix mixed = {workspace.mixed.data() + first * size, last - first, size, size};
  output_.AddTo(Prepare(linear_, mixed, scratch.input), y);
}

std::vector<float> SyntheticAttention::Weights(const ConstMatrix& x, Workspace& workspace,
                                               WorkSplit& split) const {
  const Index n = x.rows;
  const Index width = weights_->projected_width();
  float* const projected = workspace.projected.Reserve(n * width);
  split.ForRows(n, [&](Index first, Index last, Scratch& scratch) {
    const Index rows = last - first;
    const Operand input =
        Prepare(linear_, {x.data + first * x.stride, rows, x.cols, x.stride}, scratch.input);
    weights_->Project(input, {projected + first * width, rows, width, width});
  });
  // A head that mixes the identity shows its weights, whatever the precision they are held in.
  const auto size = static_cast<std::size_t>(n);
  std::vector<float> identity(size * size);
  for (std::size_t i = 0; i < size; ++i) identity[i * size + i] = 1;
  std::vector<float> weights(static_cast<std::size_t>(heads_) * size * size);
  split.ForEach(heads_, [&](Index head, Scratch& scratch) {
    MixHead({projected, n, width, width}, {identity.data(), n, n, n}, head, scratch,
            {weights.data() + head * n * n, n, n, n});
  });
  return weights;
}

std::size_t SyntheticAttention::bytes() const {
  return value_.bytes() + weights_->bytes() + output_.bytes();
}

}  // namespace synth
