#include "model/layers/encoder_layer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/ops/layer_norm.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/config.h"

namespace synth {
namespace {

ConstMatrix Const(const Matrix& x) { return {x.data, x.rows, x.cols, x.stride}; }

Matrix Rows(const Matrix& x, Index first, Index last) {
  return {x.data + first * x.stride, last - first, x.cols, x.stride};
}

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

  void Forward(std::span<const std::int32_t> offsets, Workspace& workspace, WorkSplit& split,
               const Matrix& all) const override {
    attention_.Mix(Const(all), offsets, workspace, split);
    split.ForRows(all.rows, [&](Index first, Index last, Scratch& scratch) {
      const Matrix x = Rows(all, first, last);
      attention_.AddOutput(workspace, first, last, scratch, x);
      attention_norm_.Forward(Const(x), x);
      feed_forward_.AddTo(Const(x), scratch, x);
      output_norm_.Forward(Const(x), x);
    });
  }

  std::vector<float> Attention(const Matrix& x, Workspace& workspace,
                               WorkSplit& split) const override {
    return attention_.Weights(Const(x), workspace, split);
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

  void Forward(std::span<const std::int32_t> offsets, Workspace& workspace, WorkSplit& split,
               const Matrix& all) const override {
    const Matrix all_normed = {workspace.normed.Reserve(all.rows * all.cols), all.rows, all.cols,
                               all.cols};
    attention_norm_.Forward(Const(all), all_normed);
    attention_.Mix(Const(all_normed), offsets, workspace, split);
    split.ForRows(all.rows, [&](Index first, Index last, Scratch& scratch) {
      const Matrix x = Rows(all, first, last);
      const Matrix normed = Rows(all_normed, first, last);
      attention_.AddOutput(workspace, first, last, scratch, x);
      intermediate_norm_.Forward(Const(x), normed);
      feed_forward_.AddTo(Const(normed), scratch, x);
    });
  }

  std::vector<float> Attention(const Matrix& x, Workspace& workspace,
                               WorkSplit& split) const override {
    const Matrix normed = {workspace.normed.Reserve(x.rows * x.cols), x.rows, x.cols, x.cols};
    attention_norm_.Forward(Const(x), normed);
    return attention_.Weights(Const(normed), workspace, split);
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
