#ifndef SYNTH_MODEL_LAYERS_FEED_FORWARD_H_
#define SYNTH_MODEL_LAYERS_FEED_FORWARD_H_

#include <cstddef>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/ops/linear.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

// y = act(x W1ᵀ + b1) W2ᵀ + b2
class FeedForward {
 public:
  // From the tensors of one encoder layer.
  FeedForward(const MatmulKernels& kernels, const TensorScope& layer, Activation activation);

  // y += FeedForward(x); x, y: [rows, D]; y may be x.
  void AddTo(const ConstMatrix& x, Scratch& scratch, const Matrix& y) const;

  std::size_t bytes() const { return intermediate_.bytes() + output_.bytes(); }

 private:
  const MatmulKernels& kernels_;
  const Linear intermediate_;  // W1: [F, D]
  const Linear output_;        // W2: [D, F]
  const EpilogueActivation activation_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_FEED_FORWARD_H_
