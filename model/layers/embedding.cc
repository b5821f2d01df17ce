#include "model/layers/embedding.h"

#include <algorithm>
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

// The rows of token types 0 and 1, or the only one. No tokenizer gives a type beyond.
std::vector<float> ReadTypes(const TensorScope& tensors, const ModelConfig& config) {
  if (config.type_vocab_size == 0) return {};
  std::vector<float> types = tensors.Read("token_type_embeddings.weight");
  const auto rows = static_cast<std::size_t>(std::min(config.type_vocab_size, 2));
  types.resize(rows * static_cast<std::size_t>(config.hidden_size));
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
      types_(ReadTypes(tensors, config)),
      norm_(kernels.isa.rows, tensors.Below("LayerNorm"), config.layer_norm_eps) {}

void Embedding::Forward(const PackedTokens& tokens, const Matrix& x) const {
  const Index size = x.cols;
  for (std::size_t text = 0; text + 1 < tokens.offsets.size(); ++text) {
    const Index begin = tokens.offsets[text];
    const Index end = tokens.offsets[text + 1];
    const Index first_segment =
        tokens.first_segments.empty() ? end - begin : tokens.first_segments[text];
    Index next_position = position_pad_id_ + 1;
    for (Index t = begin; t < end; ++t) {
      float* const row = x.data + t * x.stride;
      const std::int32_t id = tokens.token_ids[static_cast<std::size_t>(t)];
      word_.Copy(static_cast<std::size_t>(id), {row, static_cast<std::size_t>(size)});
      const Index position = id == position_pad_id_ ? position_pad_id_ : next_position++;
      if (!position_.empty()) AddRow(position_.data() + position * size, size, row);
      if (!types_.empty()) AddRow(TypeRow(t - begin < first_segment ? 0 : 1, size), size, row);
    }
  }
  norm_.Forward({x.data, x.rows, x.cols, x.stride}, x);
}

const float* Embedding::TypeRow(Index type, Index size) const {
  const bool has_two = static_cast<Index>(types_.size()) > size;
  return types_.data() + (has_two ? type * size : 0);
}

std::size_t Embedding::bytes() const {
  return word_.bytes() + (position_.size() + types_.size()) * sizeof(float) + norm_.bytes();
}

}  // namespace synth
