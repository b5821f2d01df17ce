#include "model/layers/embedding.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/ops/layer_norm.h"
#include "synth/model.h"

namespace synth {
namespace {

std::vector<float> ReadPositions(const TensorScope& tensors, const ModelConfig& config) {
  if (config.position_embedding == PositionEmbedding::kNone) return {};
  return tensors.Read("position_embeddings.weight");
}

// Row 0 of the token types: every token is of type 0.
std::vector<float> ReadType0(const TensorScope& tensors, const ModelConfig& config) {
  if (config.type_vocab_size == 0) return {};
  std::vector<float> types = tensors.Read("token_type_embeddings.weight");
  types.resize(static_cast<std::size_t>(config.hidden_size));
  types.shrink_to_fit();
  return types;
}

// x += row: [D]
void AddRow(const float* row, Index size, float* x) {
  for (Index d = 0; d < size; ++d) x[d] += row[d];
}

}  // namespace

Embedding::Embedding(const Kernels& kernels, const TensorScope& tensors, const ModelConfig& config)
    : word_(tensors.Read("word_embeddings.weight"), &kernels.linear != &kernels.isa.f32),
      position_(ReadPositions(tensors, config)),
      position_pad_id_(config.position_pad_id.value_or(-1)),
      type_(ReadType0(tensors, config)),
      norm_(kernels.isa.rows, tensors.Below("LayerNorm"), config.layer_norm_eps) {}

void Embedding::Forward(const PackedTokens& tokens, const Matrix& x) const {
  const Index size = x.cols;
  for (std::size_t text = 0; text + 1 < tokens.offsets.size(); ++text) {
    const Index begin = tokens.offsets[text];
    const Index end = tokens.offsets[text + 1];
    Index next_position = position_pad_id_ + 1;
    for (Index t = begin; t < end; ++t) {
      float* const row = x.data + t * x.stride;
      const std::int32_t id = tokens.token_ids[static_cast<std::size_t>(t)];
      word_.Copy(static_cast<std::size_t>(id), {row, static_cast<std::size_t>(size)});
      const Index position = id == position_pad_id_ ? position_pad_id_ : next_position++;
      if (!position_.empty()) AddRow(position_.data() + position * size, size, row);
      if (!type_.empty()) AddRow(type_.data(), size, row);
    }
  }
  norm_.Forward({x.data, x.rows, x.cols, x.stride}, x);
}

std::size_t Embedding::bytes() const {
  return word_.bytes() + (position_.size() + type_.size()) * sizeof(float) + norm_.bytes();
}

}  // namespace synth
