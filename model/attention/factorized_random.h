#ifndef SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_
#define SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_

#include <cstddef>
#include <vector>

#include "model/attention/static_scores.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {

// S_h = R1_h R2_hᵀ, the same for every input.
class FactorizedRandomScores final : public StaticScores {
 public:
  FactorizedRandomScores(const TensorScope& tensors, const ModelConfig& config,
                         const FactorizedRandomSpec& spec, const std::vector<float>& alpha);

  void AddScores(Index head, const Matrix& scores) const override;
  std::size_t bytes() const override { return (r1_.size() + r2_.size()) * sizeof(float); }

 private:
  const Index max_length_;
  const Index k_;
  const std::vector<float> r1_;  // [H, L, k], times alpha
  const std::vector<float> r2_;  // [H, L, k]
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_FACTORIZED_RANDOM_H_
