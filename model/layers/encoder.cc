#include "model/layers/encoder.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/encoder_layer.h"
#include "model/ops/layer_norm.h"
#include "model/strings.h"
#include "model/work_split.h"
#include "model/workspace.h"
#include "synth/model.h"

namespace synth {
namespace {

std::vector<std::unique_ptr<const EncoderLayer>> LoadLayers(const Kernels& kernels,
                                                            const Checkpoint& checkpoint) {
  std::vector<std::unique_ptr<const EncoderLayer>> layers;
  for (std::size_t i = 0; i < checkpoint.config().attention.size(); ++i) {
    const TensorScope layer(checkpoint, Cat("encoder.layer.", i, "."));
    layers.push_back(EncoderLayer::Load(kernels, layer, checkpoint.config(), i));
  }
  return layers;
}

std::optional<LayerNorm> LoadFinalNorm(const Kernels& kernels, const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  if (config.norm_position == NormPosition::kPost) return std::nullopt;
  return std::make_optional<LayerNorm>(kernels.isa.rows, TensorScope(checkpoint, "LayerNorm."),
                                       config.layer_norm_eps);
}

}  // namespace

Encoder::Encoder(const Kernels& kernels, const Checkpoint& checkpoint)
    : hidden_size_(checkpoint.config().hidden_size),
      embedding_(kernels, TensorScope(checkpoint, "embeddings."), checkpoint.config()),
      layers_(LoadLayers(kernels, checkpoint)),
      final_norm_(LoadFinalNorm(kernels, checkpoint)) {}

Matrix Encoder::Forward(const PackedTokens& tokens, Workspace& workspace, Helpers* helpers) const {
  const Index rows = tokens.tokens();
  const Matrix x = {workspace.hidden.Reserve(rows * hidden_size_), rows, hidden_size_,
                    hidden_size_};
  embedding_.Forward(tokens, x);
  WorkSplit split(workspace, helpers, rows);
  for (const auto& layer : layers_) layer->Forward(tokens.offsets, workspace, split, x);
  if (final_norm_) final_norm_->Forward({x.data, x.rows, x.cols, x.stride}, x);
  return x;
}

void Encoder::VisitAttention(const PackedTokens& text, Workspace& workspace,
                             absl::FunctionRef<void(const LayerAttention&)> visit) const {
  const Index n = text.tokens();
  const Matrix x = {workspace.hidden.Reserve(n * hidden_size_), n, hidden_size_, hidden_size_};
  embedding_.Forward(text, x);
  WorkSplit split(workspace, nullptr, n);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::vector<float> weights = layers_[i]->Attention(x, workspace, split);
    visit({i, weights, layers_[i]->attention_bytes()});
    layers_[i]->Forward(text.offsets, workspace, split, x);
  }
}

std::size_t Encoder::bytes() const {
  std::size_t bytes = embedding_.bytes() + (final_norm_ ? final_norm_->bytes() : 0);
  for (const auto& layer : layers_) bytes += layer->bytes();
  return bytes;
}

std::size_t Encoder::attention_bytes() const {
  std::size_t bytes = 0;
  for (const auto& layer : layers_) bytes += layer->attention_bytes();
  return bytes;
}

}  // namespace synth
