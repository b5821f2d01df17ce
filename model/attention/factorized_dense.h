#ifndef SYNTH_MODEL_ATTENTION_FACTORIZED_DENSE_H_
#define SYNTH_MODEL_ATTENTION_FACTORIZED_DENSE_H_

#include <cstddef>
#include <vector>

#include "model/attention/dynamic_scores.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/packed_matrix.h"
#include "model/kernels/select.h"
#include "model/ops/linear.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

// S_ij = A_i[j mod a] · B_i[j div a] with A_i = u_i Wa_h, B_i = u_i Wb_h and u_i = relu(W1 x_i +
// b1)_h.
class FactorizedDenseScores final : public DynamicScores {
 public:
  FactorizedDenseScores(const Kernels& kernels, const TensorScope& tensors,
                        const ModelConfig& config, const FactorizedDenseSpec& spec,
                        const std::vector<float>& alpha);

  Index projected_width() const override { return w1_.out(); }
  void Project(const Operand& x, const Matrix& projected) const override;
  void ComputeScores(const ConstMatrix& projected, Index head, bool add, Scratch& scratch,
                     const Matrix& scores) const override;
  std::size_t bytes() const override;

 private:
  const MatmulKernels& kernels_;
  const Index head_size_;
  const Index a_;
  const Index b_;
  const Linear w1_;                     // [D, D]
  const std::vector<PackedMatrix> wa_;  // [H] of [Dh, a]
  const std::vector<PackedMatrix> wb_;  // [H] of [Dh, b], times alpha
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_FACTORIZED_DENSE_H_
