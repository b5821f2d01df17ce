#ifndef SYNTH_MODEL_ATTENTION_DOT_PRODUCT_H_
#define SYNTH_MODEL_ATTENTION_DOT_PRODUCT_H_

#include <cstddef>
#include <vector>

#include "model/attention/dynamic_scores.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/ops/linear.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

// S = q kᵀ / √Dh with q = x Wqᵀ + bq, k = x Wkᵀ + bk: the Transformer's own.
class DotProductScores final : public DynamicScores {
 public:
  DotProductScores(const Kernels& kernels, const TensorScope& tensors, const ModelConfig& config,
                   const std::vector<float>& alpha);

  Index projected_width() const override { return query_key_.out(); }
  void Project(const Operand& x, const Matrix& projected) const override;
  void ComputeScores(const ConstMatrix& projected, Index head, bool add, Scratch& scratch,
                     const Matrix& scores) const override;
  std::size_t bytes() const override { return query_key_.bytes(); }

 private:
  const MatmulKernels& kernels_;
  const Index hidden_size_;
  const Index head_size_;
  const Linear query_key_;  // [2 D, D]: alpha / √Dh · query above key
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_DOT_PRODUCT_H_
