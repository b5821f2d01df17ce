#include "model/layers/encoder_layer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/layer_norm.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {
namespace {

ConstMatrix Const(const Matrix& x) { return {x.data, x.rows, x.cols, x.stride}; }

// x = LN(x + Attention(x)); x = LN(x + FeedForward(x)).
class PostNormLayer final : public EncoderLayer {
 public:
  PostNormLayer(const Kernels& kernels, const TensorScope& layer, const ModelConfig& config,
                std::size_t index)
      : EncoderLayer(kernels, layer, config, index),
        attention_norm_(kernels.isa.rows,
                        layer.Below("attention").Below("output").Below("LayerNorm"),
                        config.layer_norm_eps),
        output_norm_(kernels.isa.rows, layer.Below("output").Below("LayerNorm"),
                     config.layer_norm_eps) {}

  void Forward(std::span<const std::int32_t> offsets, Workspace& workspace,
               const Matrix& x) const override {
    attention_.AddTo(Const(x), offsets, workspace, x);
    attention_norm_.Forward(Const(x), x);
    feed_forward_.AddTo(Const(x), workspace, x);
    output_norm_.Forward(Const(x), x);
  }

  std::size_t bytes() const override {
    return attention_.bytes() + attention_norm_.bytes() + feed_forward_.bytes() +
           output_norm_.bytes();
  }

 private:
  const LayerNorm attention_norm_;
  const LayerNorm output_norm_;
};

// x = x + Attention(LN(x)); x = x + FeedForward(LN(x)).
class PreNormLayer final : public EncoderLayer {
 public:
  PreNormLayer(const Kernels& kernels, const TensorScope& layer, const ModelConfig& config,
               std::size_t index)
      : EncoderLayer(kernels, layer, config, index),
        attention_norm_(kernels.isa.rows, layer.Below("attention").Below("LayerNorm"),
                        config.layer_norm_eps),
        intermediate_norm_(kernels.isa.rows, layer.Below("intermediate").Below("LayerNorm"),
                           config.layer_norm_eps) {}

  void Forward(std::span<const std::int32_t> offsets, Workspace& workspace,
               const Matrix& x) const override {
    const Matrix normed = {workspace.normed.Reserve(x.rows * x.cols), x.rows, x.cols, x.cols};
    attention_norm_.Forward(Const(x), normed);
    attention_.AddTo(Const(normed), offsets, workspace, x);
    intermediate_norm_.Forward(Const(x), normed);
    feed_forward_.AddTo(Const(normed), workspace, x);
  }

  std::size_t bytes() const override {
    return attention_norm_.bytes() + attention_.bytes() + intermediate_norm_.bytes() +
           feed_forward_.bytes();
  }

 private:
  const LayerNorm attention_norm_;
  const LayerNorm intermediate_norm_;
};

}  // namespace

EncoderLayer::EncoderLayer(const Kernels& kernels, const TensorScope& layer,
                           const ModelConfig& config, std::size_t index)
    : attention_(kernels, layer.Below("attention"), config, config.attention[index]),
      feed_forward_(kernels.linear, layer, config.hidden_act) {}

std::unique_ptr<const EncoderLayer> EncoderLayer::Load(const Kernels& kernels,
                                                       const TensorScope& layer,
                                                       const ModelConfig& config,
                                                       std::size_t index) {
  if (config.norm_position == NormPosition::kPre) {
    return std::make_unique<const PreNormLayer>(kernels, layer, config, index);
  }
  return std::make_unique<const PostNormLayer>(kernels, layer, config, index);
}

}  // namespace synth
