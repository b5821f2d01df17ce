#ifndef SYNTH_MODEL_ATTENTION_DENSE_H_
#define SYNTH_MODEL_ATTENTION_DENSE_H_

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

// S_ij = (u_i W2_h + b2_h)_j with u_i = relu(W1 x_i + b1)_h: each token predicts its own row of
// scores.
class DenseScores final : public DynamicScores {
 public:
  DenseScores(const Kernels& kernels, const TensorScope& tensors, const ModelConfig& config,
              const std::vector<float>& alpha);

  Index projected_width() const override { return w1_.out(); }
  void Project(const Operand& x, const Matrix& projected) const override;
  void ComputeScores(const ConstMatrix& projected, Index head, bool add, Scratch& scratch,
                     const Matrix& scores) const override;
  std::size_t bytes() const override;

 private:
  const MatmulKernels& kernels_;
  const Index head_size_;
  const Index max_length_;
  const Linear w1_;                     // [D, D]
  const std::vector<PackedMatrix> w2_;  // [H] of [Dh, L], times alpha
  const std::vector<float> b2_;         // [H, L], times alpha
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_DENSE_H_
