#ifndef SYNTH_MODEL_LAYERS_ENCODER_LAYER_H_
#define SYNTH_MODEL_LAYERS_ENCODER_LAYER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/attention/synthetic_attention.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/feed_forward.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {

// Attention and a feed-forward network, each with a residual connection and a layer norm.
class EncoderLayer {
 public:
  // Layer `index` of the model, from its tensors.
  static std::unique_ptr<const EncoderLayer> Load(const Kernels& kernels, const TensorScope& layer,
                                                  const ModelConfig& config, std::size_t index);
  virtual ~EncoderLayer() = default;
  EncoderLayer(const EncoderLayer&) = delete;
  EncoderLayer& operator=(const EncoderLayer&) = delete;

  // x: [T, D], in place; text b is rows offsets[b] .. offsets[b + 1].
  virtual void Forward(std::span<const std::int32_t> offsets, Workspace& workspace,
                       WorkSplit& split, const Matrix& x) const = 0;

  // softmax(S) [H, n, n] that Forward mixes with, where x [n, D] is one text. For people.
  virtual std::vector<float> Attention(const Matrix& x, Workspace& workspace,
                                       WorkSplit& split) const = 0;

  virtual std::size_t bytes() const = 0;
  std::size_t attention_bytes() const { return attention_.precomputed_bytes(); }

 protected:
  EncoderLayer(const Kernels& kernels, const TensorScope& layer, const ModelConfig& config,
               std::size_t index);

  const SyntheticAttention attention_;
  const FeedForward feed_forward_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_ENCODER_LAYER_H_
