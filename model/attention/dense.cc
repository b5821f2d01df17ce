#include "model/attention/dense.h"

#include <cstddef>
#include <vector>

#include "model/attention/head_tensors.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

DenseScores::DenseScores(const Kernels& kernels, const TensorScope& tensors,
                         const ModelConfig& config, const std::vector<float>& alpha)
    : kernels_(kernels.attention),
      head_size_(config.head_size()),
      max_length_(config.max_position_embeddings),
      w1_(kernels.linear, tensors.Below("dense").Below("w1")),
      w2_(PackHeads(kernels.attention, ScaleHeads(tensors.Read("dense.w2"), alpha), head_size_,
                    max_length_)),
      b2_(ScaleHeads(tensors.Read("dense.b2"), alpha)) {}

void DenseScores::Project(const Operand& x, const Matrix& projected) const {
  w1_.Forward(x, projected, EpilogueActivation::kRelu);
}

void DenseScores::ComputeScores(const ConstMatrix& projected, Index head, bool add,
                                Scratch& scratch, const Matrix& scores) const {
  const Operand u = Prepare(
      kernels_, {projected.data + head * head_size_, projected.rows, head_size_, projected.stride},
      scratch.head_input);
  const PackedMatrix& w2 = w2_[static_cast<std::size_t>(head)];
  const float* const b2 = b2_.data() + head * max_length_;
  kernels_.matmul(u, w2.view(), {.bias = b2, .accumulate = add}, scores);  // the first n columns
}

std::size_t DenseScores::bytes() const {
  std::size_t bytes = w1_.bytes() + b2_.size() * sizeof(float);
  for (const PackedMatrix& head : w2_) bytes += head.bytes();
  return bytes;
}

}  // namespace synth
