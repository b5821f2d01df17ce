#ifndef SYNTH_MODEL_ATTENTION_ATTENTION_WEIGHTS_H_
#define SYNTH_MODEL_ATTENTION_ATTENTION_WEIGHTS_H_

#include <cstddef>

#include "model/kernels/kernels.h"
#include "model/workspace.h"

namespace synth {

// softmax(S) [n, n] of one text and head, without its division: softmax(S)_ij = exp_ij ·
// reciprocal_i.
struct HeadWeights {
  Operand exp;                        // [n, n], prepared for the mix
  const float* reciprocal = nullptr;  // [n]
};

// softmax(S) for the texts of a batch. There are two kinds: StaticWeights, where S is the same for
// every input, and DynamicWeights, where it is computed.
class AttentionWeights {
 public:
  AttentionWeights() = default;
  virtual ~AttentionWeights() = default;
  AttentionWeights(const AttentionWeights&) = delete;
  AttentionWeights& operator=(const AttentionWeights&) = delete;

  // What is computed for all texts at once: x [T, D], prepared for linear
  // layers -> projected [T, projected_width()].
  virtual Index projected_width() const = 0;
  virtual void Project(const Operand& x, const Matrix& projected) const = 0;

  // For the text whose rows of Project's result are `projected` [n, projected_width()]. The result
  // is valid until the next call with this scratch.
  virtual HeadWeights Compute(const ConstMatrix& projected, Index head, Scratch& scratch) const = 0;

  virtual std::size_t bytes() const = 0;  // weights
  // What was derived from weights so far: it is made when a text first needs it.
  virtual std::size_t precomputed_bytes() const = 0;
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_ATTENTION_WEIGHTS_H_
