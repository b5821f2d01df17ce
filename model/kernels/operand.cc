#include "model/kernels/operand.h"

#include "model/kernels/kernels.h"

namespace synth {

Index DepthInWords(const MatmulKernels& kernels, Index depth) {
  return (depth + kernels.depth_per_word - 1) / kernels.depth_per_word;
}

Operand Prepare(const MatmulKernels& kernels, const ConstMatrix& x, OperandBuffer& buffer) {
  if (kernels.prepare == nullptr) return {x.data, x.rows, x.cols, x.stride};
  const Index stride = DepthInWords(kernels, x.cols);
  Word* const words = buffer.words.Reserve(x.rows * stride);
  float* const scale = buffer.scale.Reserve(x.rows);
  kernels.prepare(x, words, scale);
  return {words, x.rows, x.cols, stride, scale};
}

}  // namespace synth
