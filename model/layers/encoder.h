#ifndef SYNTH_MODEL_LAYERS_ENCODER_H_
#define SYNTH_MODEL_LAYERS_ENCODER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/checkpoint/checkpoint.h"
#include "model/kernels/kernels.h"
#include "model/kernels/select.h"
#include "model/layers/embedding.h"
#include "model/layers/encoder_layer.h"
#include "model/ops/layer_norm.h"
#include "model/workspace.h"
#include "synth/model.h"

namespace synth {

// Token ids to hidden states. Constant after construction.
class Encoder {
 public:
  Encoder(const Kernels& kernels, const Checkpoint& checkpoint);

  // -> x: [T, D], in workspace.hidden.
  Matrix Forward(const PackedTokens& tokens, Workspace& workspace, Helpers* helpers) const;

  // See Model::VisitAttention.
  void VisitAttention(const PackedTokens& text, Workspace& workspace,
                      absl::FunctionRef<void(const LayerAttention&)> visit) const;

  // The steps of Forward, for tests that look at what lies between them.
  const Embedding& embedding() const { return embedding_; }
  const std::vector<std::unique_ptr<const EncoderLayer>>& layers() const { return layers_; }

  std::size_t bytes() const;
  std::size_t attention_bytes() const;

 private:
  const Index hidden_size_;
  const Embedding embedding_;
  const std::vector<std::unique_ptr<const EncoderLayer>> layers_;
  const std::optional<LayerNorm> final_norm_;  // where the norms come first
};

}  // namespace synth

#endif  // SYNTH_MODEL_LAYERS_ENCODER_H_
