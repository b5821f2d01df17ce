#ifndef SYNTH_MODEL_OPS_LAYER_NORM_H_
#define SYNTH_MODEL_OPS_LAYER_NORM_H_

#include <cstddef>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"

namespace synth {

// y = (x - mean(x)) / √(var(x) + eps) · weight + bias, row by row.
class LayerNorm {
 public:
  LayerNorm(const RowKernels& kernels, const TensorScope& tensors, float eps);

  // x: [rows, D] -> y: [rows, D]; y may be x.
  void Forward(const ConstMatrix& x, const Matrix& y) const;

  std::size_t bytes() const { return (weight_.size() + bias_.size()) * sizeof(float); }

 private:
  const RowKernels& kernels_;
  const std::vector<float> weight_;  // [D]
  const std::vector<float> bias_;    // [D]
  const float eps_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_OPS_LAYER_NORM_H_
