#ifndef SYNTH_MODEL_LAYERS_EMBEDDING_H_
#define SYNTH_MODEL_LAYERS_EMBEDDING_H_

#include <cstddef>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/kernels/select.h"
#include "model/ops/embedding_table.h"
#include "model/ops/layer_norm.h"
#include "synth/model.h"

namespace synth {

// x_i = LN(word[token_i] + position[p_i] + type[t_i]), where p_i is i, counted from the start of
// each text, or as ModelConfig::position_pad_id says, and t_i is 1 in the second text of a pair and
// 0 elsewhere.
class Embedding {
 public:
  Embedding(const Kernels& kernels, const TensorScope& tensors, const ModelConfig& config);

  // -> x: [T, D].
  void Forward(const PackedTokens& tokens, const Matrix& x) const;

  std::size_t bytes() const;

 private:
  const float* TypeRow(Index type, Index size) const;

  const EmbeddingTable word_;          // [V, D]
  const std::vector<float> position_;  // [L, D] or more rows, or empty
  const Index position_pad_id_;        // -1: none
  const std::vector<float> types_;     // [2, D], [1, D] or empty
  const LayerNorm norm_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_EMBEDDING_H_
