#ifndef SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_
#define SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/dynamic_scores.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {

// softmax(constant + Σ parts): S computed from the input, beside what of it does not depend on it.
class DynamicWeights final : public AttentionWeights {
 public:
  // constant: [H, L, L], or empty for none; at least one part.
  DynamicWeights(const Kernels& kernels, std::vector<float> constant, Index max_length,
                 std::vector<std::unique_ptr<const DynamicScores>> parts);

  Index projected_width() const override;
  void Project(const ConstMatrix& x, const Matrix& projected) const override;
  HeadWeights Compute(const ConstMatrix& projected, Index head,
                      Workspace& workspace) const override;
  std::size_t bytes() const override;
  std::size_t precomputed_bytes() const override { return constant_.size() * sizeof(float); }

 private:
  void SetConstant(Index head, const Matrix& scores) const;

  const Kernels& kernels_;
  const std::vector<float> constant_;
  const Index max_length_;
  const std::vector<std::unique_ptr<const DynamicScores>> parts_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_
