#ifndef SYNTH_MODEL_ATTENTION_STATIC_SCORES_H_
#define SYNTH_MODEL_ATTENTION_STATIC_SCORES_H_

#include <cstddef>

#include "model/kernels/kernels.h"

namespace synth {

// A score source that does not look at the input. Each is made with a weight per head, alpha [H]:
// its share of a mixture, or 1. The weight is folded into the source's tensors at load.
class StaticScores {
 public:
  StaticScores() = default;
  virtual ~StaticScores() = default;
  StaticScores(const StaticScores&) = delete;
  StaticScores& operator=(const StaticScores&) = delete;

  // scores [n, n] += alpha_h times the leading block of S_h.
  virtual void AddScores(Index head, const Matrix& scores) const = 0;

  virtual std::size_t bytes() const = 0;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_STATIC_SCORES_H_
