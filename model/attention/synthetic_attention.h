#ifndef SYNTH_MODEL_ATTENTION_SYNTHETIC_ATTENTION_H_
#define SYNTH_MODEL_ATTENTION_SYNTHETIC_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "model/attention/attention_weights.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/linear.h"
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

  // y += Attention(x); x, y: [T, D], y may be x; text b is rows offsets[b] .. offsets[b + 1].
  void AddTo(const ConstMatrix& x, std::span<const std::int32_t> offsets, Workspace& workspace,
             const Matrix& y) const;

  std::size_t bytes() const;
  std::size_t precomputed_bytes() const { return weights_->precomputed_bytes(); }

 private:
  // One text: mixed [n, D] = softmax(S) · values [n, D], head by head.
  void Mix(const ConstMatrix& projected, const ConstMatrix& values, Workspace& workspace,
           const Matrix& mixed) const;

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
