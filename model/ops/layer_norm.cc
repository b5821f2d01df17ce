#include "model/ops/layer_norm.h"

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"

namespace synth {

LayerNorm::LayerNorm(const RowKernels& kernels, const TensorScope& tensors, float eps)
    : kernels_(kernels), weight_(tensors.Read("weight")), bias_(tensors.Read("bias")), eps_(eps) {}

void LayerNorm::Forward(const ConstMatrix& x, const Matrix& y) const {
  kernels_.layer_norm(x, weight_.data(), bias_.data(), eps_, y);
}

}  // namespace synth
