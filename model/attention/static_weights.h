#ifndef SYNTH_MODEL_ATTENTION_STATIC_WEIGHTS_H_
#define SYNTH_MODEL_ATTENTION_STATIC_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/attention/by_length.h"
#include "model/attention/static_sum.h"
#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/workspace.h"

namespace synth {

// Attention that does not depend on the input, computed once per class of lengths (ByLength).
//
// With E = exp(S - rowmax), the softmax of the leading [n, n] block is E_ij / Σ_{j<n} E_ij: only
// the sums depend on n, so E and the reciprocals of its prefix sums are all that is kept.
//
// Where the maximum of a row lies beyond column n and far above the block's own, E underflows in
// the block and the quotient would be 0/0. Such lengths are found when E is made; for them the
// softmax is computed from the scores whenever it is needed.
class StaticWeights final : public AttentionWeights {
 public:
  StaticWeights(const Kernels& kernels, StaticSum scores, Index heads, Index max_length);

  Index projected_width() const override { return 0; }
  void Project(const Operand&, const Matrix&) const override {}
  HeadWeights Compute(const ConstMatrix& projected, Index head, Scratch& scratch) const override;
  std::size_t bytes() const override { return scores_.bytes(); }
  std::size_t precomputed_bytes() const override { return blocks_.bytes(); }

 private:
  // E for the lengths first .. size.
  struct Block {
    Index first = 0;
    Index size = 0;
    Index stride = 0;               // words in a row of E
    AlignedBuffer<Word> exp;        // E: [H, size, stride], an operand of the mix
    std::vector<float> reciprocal;  // [H, lengths, size]
    std::vector<bool> steep;        // [H, lengths]: E underflows in some row

    std::size_t bytes() const {
      return exp.bytes() + reciprocal.size() * sizeof(float) + steep.size() / 8;
    }
  };

  std::unique_ptr<const Block> MakeBlock(Index size) const;
  void AddHead(Index head, const Matrix& scores, Block& block) const;
  HeadWeights ComputeSteep(Index head, Index length, Scratch& scratch) const;

  const RowKernels& rows_;
  const MatmulKernels& mix_;
  const StaticSum scores_;
  const Index heads_;
  const ByLength<Block> blocks_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_STATIC_WEIGHTS_H_
