#ifndef SYNTH_MODEL_ATTENTION_RANDOM_H_
#define SYNTH_MODEL_ATTENTION_RANDOM_H_

#include <cstddef>
#include <vector>

#include "model/attention/static_scores.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {

// S = R, the same for every input.
class RandomScores final : public StaticScores {
 public:
  RandomScores(const TensorScope& tensors, const ModelConfig& config,
               const std::vector<float>& alpha);

  void AddScores(Index head, const Matrix& scores) const override;
  std::size_t bytes() const override { return r_.size() * sizeof(float); }

 private:
  const Index max_length_;
  const std::vector<float> r_;  // [H, L, L], times alpha
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_RANDOM_H_
