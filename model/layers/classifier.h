#ifndef SYNTH_MODEL_LAYERS_CLASSIFIER_H_
#define SYNTH_MODEL_LAYERS_CLASSIFIER_H_

#include <cstddef>
#include <optional>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/ops/linear.h"
#include "synth/config.h"

namespace synth {

// logits = W pooled + b; with a pooler, logits = W act(Wp pooled + bp) + b, where act is tanh
// (BERT) or relu (DistilBERT). In f32 whatever the precision: it is one row per text.
class Classifier {
 public:
  // `model`: the tensors "classifier" and, if it has one, "pooler.dense".
  Classifier(const MatmulKernels& f32, const TensorScope& model, Pooler pooler);

  // pooled: [D] -> logits: [C].
  void Forward(std::span<const float> pooled, std::span<float> logits) const;

  std::size_t bytes() const { return linear_.bytes() + (pooler_ ? pooler_->bytes() : 0); }

 private:
  const Pooler activation_;  // of the pooler
  const std::optional<Linear> pooler_;
  const Linear linear_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_CLASSIFIER_H_
