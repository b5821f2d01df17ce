#include "model/layers/classifier.h"

#include <cassert>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"

namespace synth {

Classifier::Classifier(const MatmulKernels& f32, const TensorScope& tensors)
    : linear_(f32, tensors) {}

void Classifier::Forward(std::span<const float> pooled, std::span<float> logits) const {
  const auto size = static_cast<Index>(pooled.size());
  const auto classes = static_cast<Index>(logits.size());
  assert(classes == linear_.out());
  linear_.Forward({pooled.data(), 1, size, size}, {logits.data(), 1, classes, classes});
}

}  // namespace synth
