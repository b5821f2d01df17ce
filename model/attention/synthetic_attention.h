#ifndef SYNTH_MODEL_ATTENTION_SYNTHETIC_ATTENTION_H_
#define SYNTH_MODEL_ATTENTION_SYNTHETIC_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/attention/attention_weights.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/ops/linear.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

// Y_h = softmax(S_h) · (x Wvᵀ + bv)_h for every head, heads concatenated, then the output
// projection. What S is, the attention spec decides.
class SyntheticAttention {
 public:
  // tensors: those below "attention.".
  SyntheticAttention(const Kernels& kernels, const TensorScope& tensors, const ModelConfig& config,
                     const AttentionSpec& spec);

  // What the heads mix: x [T, D] -> in workspace.mixed, [T, D]; text b is rows offsets[b] ..
  // offsets[b + 1].
  void Mix(const ConstMatrix& x, std::span<const std::int32_t> offsets, Workspace& workspace,
           WorkSplit& split) const;
  // y += mixed Woᵀ + bo, for the rows first .. last of what Mix left. y: [last - first, D].
  void AddOutput(const Workspace& workspace, Index first, Index last, Scratch& scratch,
                 const Matrix& y) const;

  // The softmax(S) [H, n, n] that Mix mixes with, where x [n, D] is one text. For people.
  std::vector<float> Weights(const ConstMatrix& x, Workspace& workspace, WorkSplit& split) const;

  std::size_t bytes() const;
  std::size_t precomputed_bytes() const { return weights_->precomputed_bytes(); }

 private:
  // Of one text and head: mixed [n, Dh] = softmax(S) · values [n, Dh].
  void MixHead(const ConstMatrix& projected, const ConstMatrix& values, Index head,
               Scratch& scratch, const Matrix& mixed) const;

  const MatmulKernels& linear_;
  const MatmulKernels& mix_;
  const Index heads_;
  const Index head_size_;
  const Linear value_;  // [D, D]
  const std::unique_ptr<const AttentionWeights> weights_;
  const Linear output_;  // [D, D]
};

}  // namespace synth

#endif  // SYNTH_MODEL_ATTENTION_SYNTHETIC_ATTENTION_H_
