#include "model/attention/factorized_random.h"

#include <Eigen/Core>
#include <cstddef>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {

std::vector<float> FactorizedRandomScores(const TensorScope& tensors, const ModelConfig& config,
                                          const FactorizedRandomSpec& spec) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index heads = config.num_attention_heads;
  const Index length = config.max_position_embeddings;
  const Index k = spec.k;
  const std::vector<float> r1 = tensors.Read("factorized_random.r1");
  const std::vector<float> r2 = tensors.Read("factorized_random.r2");
  std::vector<float> scores(static_cast<std::size_t>(heads * length * length));
  for (Index h = 0; h < heads; ++h) {
    const Eigen::Map<const RowMajor> r1_h(r1.data() + h * length * k, length, k);
    const Eigen::Map<const RowMajor> r2_h(r2.data() + h * length * k, length, k);
    Eigen::Map<RowMajor> s_h(scores.data() + h * length * length, length, length);
    s_h.noalias() = r1_h * r2_h.transpose();
  }
  return scores;
}

}  // namespace synth
