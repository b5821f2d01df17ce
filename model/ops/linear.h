#ifndef SYNTH_MODEL_OPS_LINEAR_H_
#define SYNTH_MODEL_OPS_LINEAR_H_

#include <cstddef>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/packed_matrix.h"

namespace synth {

// y = x Wᵀ + b
class Linear {
 public:
  // weight: [out, in], bias: [out].
  Linear(const MatmulKernels& kernels, const std::vector<float>& weight, std::vector<float> bias);
  // From the tensors "weight" and "bias".
  Linear(const MatmulKernels& kernels, const TensorScope& tensors);

  // x: [rows, in], prepared for the same kernels -> y: [rows, out], each element through
  // `activation`.
  void Forward(const Operand& x, const Matrix& y,
               EpilogueActivation activation = EpilogueActivation::kNone) const;
  // The same, added to y.
  void AddTo(const Operand& x, const Matrix& y) const;

  Index out() const { return static_cast<Index>(bias_.size()); }
  std::size_t bytes() const { return weight_.bytes() + bias_.size() * sizeof(float); }

 private:
  const MatmulKernels& kernels_;
  std::vector<float> bias_;
  PackedMatrix weight_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_OPS_LINEAR_H_
