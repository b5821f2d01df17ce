#ifndef SYNTH_MODEL_ATTENTION_DYNAMIC_SCORES_H_
#define SYNTH_MODEL_ATTENTION_DYNAMIC_SCORES_H_

#include <cstddef>

#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {

// A score source that looks at the input. Each is made with a weight per head, alpha [H]: its share
// of a mixture, or 1. The weight is folded into the source's tensors at load.
class DynamicScores {
 public:
  DynamicScores() = default;
  virtual ~DynamicScores() = default;
  DynamicScores(const DynamicScores&) = delete;
  DynamicScores& operator=(const DynamicScores&) = delete;

  // What is computed for all texts at once: x [T, D], prepared for linear
  // layers -> projected [T, projected_width()].
  virtual Index projected_width() const = 0;
  virtual void Project(const Operand& x, const Matrix& projected) const = 0;

  // scores [n, n] = alpha_h S_h, or += where `add` is set, for the text whose rows of Project's
  // result are `projected`.
  virtual void ComputeScores(const ConstMatrix& projected, Index head, bool add, Scratch& scratch,
                             const Matrix& scores) const = 0;

  virtual std::size_t bytes() const = 0;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_DYNAMIC_SCORES_H_
