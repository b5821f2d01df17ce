#include "model/layers/classifier.h"

#include <cassert>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {
namespace {

// NaN stays NaN.
float Relu(float x) { return x < 0 ? 0 : x; }

}  // namespace

Classifier::Classifier(const MatmulKernels& f32, const TensorScope& model, Pooler pooler)
    : activation_(pooler),
      pooler_(pooler != Pooler::kNone
                  ? std::make_optional<Linear>(f32, model.Below("pooler").Below("dense"))
                  : std::nullopt),
      linear_(f32, model.Below("classifier")) {}

void Classifier::Forward(std::span<const float> pooled, std::span<float> logits) const {
  const auto size = static_cast<Index>(pooled.size());
  std::vector<float> after_pooler;
  if (pooler_) {
    after_pooler.resize(pooled.size());
    pooler_->Forward({pooled.data(), 1, size, size}, {after_pooler.data(), 1, size, size});
    for (float& x : after_pooler) x = activation_ == Pooler::kRelu ? Relu(x) : std::tanh(x);
    pooled = after_pooler;
  }
  const auto classes = static_cast<Index>(logits.size());
  assert(classes == linear_.out());
  linear_.Forward({pooled.data(), 1, size, size}, {logits.data(), 1, classes, classes});
}

}  // namespace synth
