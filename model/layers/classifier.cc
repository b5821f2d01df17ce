#include "model/layers/classifier.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"

namespace synth {

Classifier::Classifier(const MatmulKernels& f32, const TensorScope& model, bool has_pooler)
    : pooler_(has_pooler ? std::make_optional<Linear>(f32, model.Below("pooler").Below("dense"))
                         : std::nullopt),
      linear_(f32, model.Below("classifier")) {}

void Classifier::Forward(std::span<const float> pooled, std::span<float> logits) const {
  const auto size = static_cast<Index>(pooled.size());
  std::vector<float> after_pooler;
  if (pooler_) {
    after_pooler.resize(pooled.size());
    pooler_->Forward({pooled.data(), 1, size, size}, {after_pooler.data(), 1, size, size});
    std::ranges::transform(after_pooler, after_pooler.begin(),
                           [](float x) { return std::tanh(x); });
    pooled = after_pooler;
  }
  const auto classes = static_cast<Index>(logits.size());
  assert(classes == linear_.out());
  linear_.Forward({pooled.data(), 1, size, size}, {logits.data(), 1, classes, classes});
}

}  // namespace synth
