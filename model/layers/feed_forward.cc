#include "model/layers/feed_forward.h"

#include <algorithm>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {
namespace {

// The inner activations of a chunk of rows stay in half of a 1 MiB L2, beside the weights that
// stream by.
constexpr Index kInnerFloats = Index{128} << 10;
constexpr Index kTileRows = 12;  // a multiple of every matmul kernel's tile

Index ChunkRows(Index inner_size) {
  return std::max(kInnerFloats / inner_size / kTileRows, Index{2}) * kTileRows;
}

auto KernelOf(const Kernels& kernels, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return kernels.relu;
    case Activation::kGelu:
      return kernels.gelu;
    case Activation::kGeluNew:
      break;
  }
  return kernels.gelu_new;
}

}  // namespace

FeedForward::FeedForward(const Kernels& kernels, const TensorScope& layer, Activation activation)
    : intermediate_(kernels, layer.Below("intermediate").Below("dense")),
      output_(kernels, layer.Below("output").Below("dense")),
      activation_(KernelOf(kernels, activation)) {}

void FeedForward::Forward(const ConstMatrix& x, Workspace& workspace, const Matrix& y) const {
  const Index inner_size = intermediate_.out();
  const Index chunk = std::min(ChunkRows(inner_size), x.rows);
  float* const inner_data = workspace.inner.Reserve(chunk * inner_size);
  for (Index row = 0; row < x.rows; row += chunk) {
    const Index rows = std::min(chunk, x.rows - row);
    const Matrix inner = {inner_data, rows, inner_size, inner_size};
    intermediate_.Forward({x.data + row * x.stride, rows, x.cols, x.stride}, inner);
    activation_(inner);
    output_.Forward({inner.data, rows, inner_size, inner_size},
                    {y.data + row * y.stride, rows, y.cols, y.stride});
  }
}

}  // namespace synth
