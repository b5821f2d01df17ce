#include "model/attention/factorized_dense.h"

#include <algorithm>
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

FactorizedDenseScores::FactorizedDenseScores(const Kernels& kernels, const TensorScope& tensors,
                                             const ModelConfig& config,
                                             const FactorizedDenseSpec& spec,
                                             const std::vector<float>& alpha)
    : kernels_(kernels.attention),
      head_size_(config.head_size()),
      a_(spec.a),
      b_(spec.b),
      w1_(kernels.linear, tensors.Below("factorized_dense").Below("w1")),
      wa_(PackHeads(kernels.attention, tensors.Read("factorized_dense.wa"), head_size_, a_)),
      wb_(PackHeads(kernels.attention, ScaleHeads(tensors.Read("factorized_dense.wb"), alpha),
                    head_size_, b_)) {}

void FactorizedDenseScores::Project(const Operand& x, const Matrix& projected) const {
  w1_.Forward(x, projected, EpilogueActivation::kRelu);
}

void FactorizedDenseScores::ComputeScores(const ConstMatrix& projected, Index head, bool add,
                                          Scratch& scratch, const Matrix& scores) const {
  const Index n = projected.rows;
  const Operand u =
      Prepare(kernels_, {projected.data + head * head_size_, n, head_size_, projected.stride},
              scratch.head_input);
  float* const factors = scratch.factors.Reserve(n * (a_ + b_));
  const Matrix a = {factors, n, a_, a_};
  const Matrix b = {factors + n * a_, n, b_, b_};
  kernels_.matmul(u, wa_[static_cast<std::size_t>(head)].view(), {}, a);
  kernels_.matmul(u, wb_[static_cast<std::size_t>(head)].view(), {}, b);
  for (Index i = 0; i < n; ++i) {
    const float* const a_row = a.data + i * a_;
    float* const row = scores.data + i * scores.stride;
    if (!add) std::fill_n(row, n, 0.0F);
    for (Index j = 0; j < n; j += a_) {
      const float b_j = b.data[i * b_ + j / a_];
      const Index end = std::min(a_, n - j);
      for (Index r = 0; r < end; ++r) row[j + r] += a_row[r] * b_j;
    }
  }
}

std::size_t FactorizedDenseScores::bytes() const {
  std::size_t bytes = w1_.bytes();
  for (const PackedMatrix& head : wa_) bytes += head.bytes();
  for (const PackedMatrix& head : wb_) bytes += head.bytes();
  return bytes;
}

}  // namespace synth
