#ifndef SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_
#define SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/by_length.h"
#include "model/attention/dynamic_scores.h"
#include "model/attention/static_sum.h"
#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/workspace.h"

namespace synth {

// softmax(fixed + Σ parts): S computed from the input, beside what of it does not depend on it.
class DynamicWeights final : public AttentionWeights {
 public:
  // fixed may be empty; at least one part.
  DynamicWeights(const Kernels& kernels, StaticSum fixed, Index heads, Index max_length,
                 std::vector<std::unique_ptr<const DynamicScores>> parts);

  Index projected_width() const override;
  void Project(const Operand& x, const Matrix& projected) const override;
  HeadWeights Compute(const ConstMatrix& projected, Index head, Scratch& scratch) const override;
  std::size_t bytes() const override;
  std::size_t precomputed_bytes() const override { return fixed_blocks_.bytes(); }

 private:
  // The fixed scores for texts of at most `size` tokens.
  struct Block {
    Index size = 0;
    AlignedBuffer<float> scores;  // [H, size, size]

    std::size_t bytes() const { return scores.bytes(); }
  };

  std::unique_ptr<const Block> MakeBlock(Index size) const;
  void SetFixed(Index head, const Matrix& scores) const;

  const RowKernels& rows_;
  const MatmulKernels& mix_;
  const StaticSum fixed_;
  const Index heads_;
  const ByLength<Block> fixed_blocks_;
  const std::vector<std::unique_ptr<const DynamicScores>> parts_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_DYNAMIC_WEIGHTS_H_
