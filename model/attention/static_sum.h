#ifndef SYNTH_MODEL_ATTENTION_STATIC_SUM_H_
#define SYNTH_MODEL_ATTENTION_STATIC_SUM_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "model/attention/static_scores.h"
#include "model/kernels/kernels.h"

namespace synth {

// Σ_m α_m S_m over score sources that do not look at the input.
class StaticSum {
 public:
  explicit StaticSum(std::vector<std::unique_ptr<const StaticScores>> parts);

  bool empty() const { return parts_.empty(); }
  // scores [n, n] = the leading block of the sum for a head; zeros where there are no parts.
  void Compute(Index head, const Matrix& scores) const;
  std::size_t bytes() const;

 private:
  std::vector<std::unique_ptr<const StaticScores>> parts_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_STATIC_SUM_H_
