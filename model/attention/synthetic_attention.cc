#include "model/attention/synthetic_attention.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/attention/attention_weights.h"
#include "model/attention/mixture.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
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

void SyntheticAttention::AddTo(const ConstMatrix& x, std::span<const std::int32_t> offsets,
                               Workspace& workspace, const Matrix& y) const {
  const Index size = x.cols;
  const Index width = weights_->projected_width();
  const Matrix values = {workspace.values.Reserve(x.rows * size), x.rows, size, size};
  const Matrix mixed = {workspace.mixed.Reserve(x.rows * size), x.rows, size, size};
  const Matrix projected = {workspace.projected.Reserve(x.rows * width), x.rows, width, width};

  const Operand input = Prepare(linear_, x, workspace.input);
  value_.Forward(input, values);
  weights_->Project(input, projected);
  for (std::size_t text = 0; text + 1 < offsets.size(); ++text) {
    const Index first = offsets[text];
    const Index n = offsets[text + 1] - first;
    Mix({projected.data + first * width, n, width, width},
        {values.data + first * size, n, size, size}, workspace,
        {mixed.data + first * size, n, size, size});
  }
  output_.AddTo(Prepare(linear_, {mixed.data, mixed.rows, size, size}, workspace.input), y);
}

void SyntheticAttention::Mix(const ConstMatrix& projected, const ConstMatrix& values,
                             Workspace& workspace, const Matrix& mixed) const {
  for (Index head = 0; head < heads_; ++head) {
    const Index column = head * head_size_;
    const HeadWeights weights = weights_->Compute(projected, head, workspace);
    const PackedView v = PackInto(workspace.packed_values, mix_,
                                  {values.data + column, values.rows, head_size_, values.stride});
    mix_.matmul(weights.exp, v, {.row_scale = weights.reciprocal},
                {mixed.data + column, mixed.rows, head_size_, mixed.stride});
  }
}

std::size_t SyntheticAttention::bytes() const {
  return value_.bytes() + weights_->bytes() + output_.bytes();
}

}  // namespace synth
