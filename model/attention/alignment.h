#ifndef SYNTH_MODEL_ATTENTION_ALIGNMENT_H_
#define SYNTH_MODEL_ATTENTION_ALIGNMENT_H_

#include <cstddef>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {

// Attention that does not depend on the input, computed once.
//
// With E = exp(S - rowmax), the softmax of the leading [n, n] block is E_ij / Σ_{j<n} E_ij: only
// the sums depend on n, so E and the reciprocals of its prefix sums are all that is kept.
//
// Where the maximum of a row lies beyond column n and far above the block's own, E underflows in
// the block and the quotient would be 0/0. Such rows are found at load, and for those lengths their
// softmax is computed from their scores, which are kept for these rows only.
class Alignment final : public AttentionWeights {
 public:
  // scores: [H, L, L].
  Alignment(const Kernels& kernels, std::vector<float> scores, Index heads, Index max_length);

  Index projected_width() const override { return 0; }
  void Project(const ConstMatrix&, const Matrix&) const override {}
  HeadWeights Compute(const ConstMatrix& projected, Index head,
                      Workspace& workspace) const override;
  std::size_t bytes() const override { return 0; }
  std::size_t precomputed_bytes() const override;

 private:
  struct SteepRow {
    Index row = 0;
    Index safe_length = 0;      // E serves for texts of this length and longer
    std::vector<float> scores;  // [L]
  };

  void AddHead(Index head);
  const float* Reciprocals(Index head, Index length) const;
  HeadWeights ComputeSteep(const HeadWeights& plain, Index head, Workspace& workspace) const;

  const Kernels& kernels_;
  const Index max_length_;
  // Constant after construction.
  std::vector<float> exp_;          // E: [H, L, L]
  std::vector<float> reciprocals_;  // [H, L (L + 1) / 2]: rows 0..n-1 for n = 1, then n = 2, ...
  std::vector<std::vector<SteepRow>> steep_rows_;  // [H], by row
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_ALIGNMENT_H_
