#include "model/attention/random.h"

#include <vector>

#include "model/attention/head_tensors.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {

RandomScores::RandomScores(const TensorScope& tensors, const ModelConfig& config,
                           const std::vector<float>& alpha)
    : max_length_(config.max_position_embeddings),
      r_(ScaleHeads(tensors.Read("random.r"), alpha)) {}

void RandomScores::AddScores(Index head, const Matrix& scores) const {
  for (Index i = 0; i < scores.rows; ++i) {
    const float* const r = r_.data() + (head * max_length_ + i) * max_length_;
    float* const row = scores.data + i * scores.stride;
    for (Index j = 0; j < scores.cols; ++j) row[j] += r[j];
  }
}

}  // namespace synth
