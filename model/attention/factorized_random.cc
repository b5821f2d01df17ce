#include "model/attention/factorized_random.h"

#include <Eigen/Core>
#include <vector>

#include "model/attention/head_tensors.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "synth/config.h"

namespace synth {

FactorizedRandomScores::FactorizedRandomScores(const TensorScope& tensors,
                                               const ModelConfig& config,
                                               const FactorizedRandomSpec& spec,
                                               const std::vector<float>& alpha)
    : max_length_(config.max_position_embeddings),
      k_(spec.k),
      r1_(ScaleHeads(tensors.Read("factorized_random.r1"), alpha)),
      r2_(tensors.Read("factorized_random.r2")) {}

void FactorizedRandomScores::AddScores(Index head, const Matrix& scores) const {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index n = scores.rows;
  const Eigen::Map<const RowMajor> r1(r1_.data() + head * max_length_ * k_, n, k_);
  const Eigen::Map<const RowMajor> r2(r2_.data() + head * max_length_ * k_, n, k_);
  Eigen::Map<RowMajor, 0, Eigen::OuterStride<>> s(scores.data, n, n,
                                                  Eigen::OuterStride<>(scores.stride));
  s.noalias() += r1.lazyProduct(r2.transpose());
}

}  // namespace synth
