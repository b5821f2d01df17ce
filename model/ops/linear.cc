#include "model/ops/linear.h"

#include <utility>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/packed_matrix.h"

namespace synth {
namespace {

ConstMatrix AsMatrix(const std::vector<float>& weight, Index out) {
  const Index in = static_cast<Index>(weight.size()) / out;
  return {weight.data(), out, in, in};
}

}  // namespace

Linear::Linear(const MatmulKernels& kernels, const std::vector<float>& weight,
               std::vector<float> bias)
    : kernels_(kernels),
      bias_(std::move(bias)),
      weight_(PackedMatrix::PackTransposed(kernels, AsMatrix(weight, out()))) {}

Linear::Linear(const MatmulKernels& kernels, const TensorScope& tensors)
    : Linear(kernels, tensors.Read("weight"), tensors.Read("bias")) {}

void Linear::Forward(const Operand& x, const Matrix& y, EpilogueActivation activation) const {
  kernels_.matmul(x, weight_.view(), {.bias = bias_.data(), .activation = activation}, y);
}

void Linear::AddTo(const Operand& x, const Matrix& y) const {
  kernels_.matmul(x, weight_.view(), {.bias = bias_.data(), .accumulate = true}, y);
}

}  // namespace synth
