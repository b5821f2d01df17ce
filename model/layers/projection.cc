#include "model/layers/projection.h"

#include <cassert>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {
namespace {

std::vector<float> ReadBias(const TensorScope& tensors, const ProjectionConfig& config) {
  if (config.has_bias) return tensors.Read("bias");
  return std::vector<float>(static_cast<std::size_t>(config.out_features));
}

}  // namespace

Projection::Projection(const MatmulKernels& f32, const TensorScope& tensors,
                       const ProjectionConfig& config)
    : activation_(config.activation),
      linear_(f32, tensors.Read("weight"), ReadBias(tensors, config)) {}

void Projection::Forward(std::span<const float> x, std::span<float> y) const {
  const auto in = static_cast<Index>(x.size());
  assert(static_cast<Index>(y.size()) == out());
  linear_.Forward({x.data(), 1, in, in}, {y.data(), 1, out(), out()});
  switch (activation_) {
    case ProjectionActivation::kIdentity:
      return;
    case ProjectionActivation::kTanh:
      for (float& value : y) value = std::tanh(value);
      return;
    case ProjectionActivation::kRelu:
      for (float& value : y) value = value < 0 ? 0 : value;  // NaN stays NaN
      return;
  }
}

}  // namespace synth
