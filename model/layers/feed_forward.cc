#include "model/layers/feed_forward.h"

#include <algorithm>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {
namespace {

// The inner activations of a chunk of rows stay in a quarter of a 1 MiB L2, beside the weights that
// stream by.
constexpr Index kInnerFloats = Index{64} << 10;

Index ChunkRows(Index inner_size) {
  return std::max(kInnerFloats / inner_size / kRowsOfWholeTiles, Index{2}) * kRowsOfWholeTiles;
}

EpilogueActivation InEpilogue(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return EpilogueActivation::kRelu;
    case Activation::kGelu:
      return EpilogueActivation::kGelu;
    case Activation::kGeluNew:
      return EpilogueActivation::kGeluNew;
    case Activation::kSilu:
      break;
  }
  return EpilogueActivation::kSilu;
}

}  // namespace

FeedForward::FeedForward(const MatmulKernels& kernels, const TensorScope& layer,
                         Activation activation)
    : kernels_(kernels),
      intermediate_(kernels, layer.Below("intermediate").Below("dense")),
      output_(kernels, layer.Below("output").Below("dense")),
      activation_(InEpilogue(activation)) {}

void FeedForward::AddTo(const ConstMatrix& x, Scratch& scratch, const Matrix& y) const {
  const Index inner_size = intermediate_.out();
  const Index chunk = std::min(ChunkRows(inner_size), x.rows);
  float* const inner_data = scratch.inner.Reserve(chunk * inner_size);
  for (Index row = 0; row < x.rows; row += chunk) {
    const Index rows = std::min(chunk, x.rows - row);
    const Matrix inner = {inner_data, rows, inner_size, inner_size};
    const ConstMatrix x_chunk = {x.data + row * x.stride, rows, x.cols, x.stride};
    intermediate_.Forward(Prepare(kernels_, x_chunk, scratch.input), inner, activation_);
    output_.AddTo(
        Prepare(kernels_, {inner.data, rows, inner_size, inner_size}, scratch.inner_input),
        {y.data + row * y.stride, rows, y.cols, y.stride});
  }
}

}  // namespace synth
