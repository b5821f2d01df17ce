#ifndef SYNTH_MODEL_LAYERS_PROJECTION_H_
#define SYNTH_MODEL_LAYERS_PROJECTION_H_

#include <cstddef>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/ops/linear.h"
#include "synth/config.h"

namespace synth {

// y = act(W x + b), behind the pooling (ProjectionConfig). In f32 whatever the precision: it is one
// row per text.
class Projection {
 public:
  // `tensors`: "weight" and, if it has one, "bias".
  Projection(const MatmulKernels& f32, const TensorScope& tensors, const ProjectionConfig& config);

  // x: [in_features] -> y: [out_features].
  void Forward(std::span<const float> x, std::span<float> y) const;

  Index out() const { return linear_.out(); }
  std::size_t bytes() const { return linear_.bytes(); }

 private:
  const ProjectionActivation activation_;
  const Linear linear_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_PROJECTION_H_
