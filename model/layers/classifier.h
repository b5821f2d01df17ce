#ifndef SYNTH_MODEL_LAYERS_CLASSIFIER_H_
#define SYNTH_MODEL_LAYERS_CLASSIFIER_H_

#include <cstddef>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/ops/linear.h"

namespace synth {

// logits = W pooled + b, in f32 whatever the precision: it is one row per text.
class Classifier {
 public:
  Classifier(const MatmulKernels& f32, const TensorScope& tensors);

  // pooled: [D] -> logits: [C].
  void Forward(std::span<const float> pooled, std::span<float> logits) const;

  std::size_t bytes() const { return linear_.bytes(); }

 private:
  const Linear linear_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_CLASSIFIER_H_
