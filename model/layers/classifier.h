#ifndef SYNTH_MODEL_LAYERS_CLASSIFIER_H_
#define SYNTH_MODEL_LAYERS_CLASSIFIER_H_

#include <cstddef>
#include <optional>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/ops/linear.h"

namespace synth {

// logits = W pooled + b; with BERT's pooler, logits = W tanh(Wp pooled + bp) + b. In f32 whatever
// the precision: it is one row per text.
class Classifier {
 public:
  // `model`: the tensors "classifier" and, if it has one, "pooler.dense".
  Classifier(const MatmulKernels& f32, const TensorScope& model, bool has_pooler);

  // pooled: [D] -> logits: [C].
  void Forward(std::span<const float> pooled, std::span<float> logits) const;

  std::size_t bytes() const { return linear_.bytes() + (pooler_ ? pooler_->bytes() : 0); }

 private:
  const std::optional<Linear> pooler_;
  const Linear linear_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_CLASSIFIER_H_
