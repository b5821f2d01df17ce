#ifndef SYNTH_MODEL_H_
#define SYNTH_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "synth/batch.h"      // IWYU pragma: export
#include "synth/config.h"     // IWYU pragma: export
#include "synth/helpers.h"    // IWYU pragma: export
#include "synth/precision.h"  // IWYU pragma: export
#include "synth/tokenizer.h"  // IWYU pragma: export

// The engine: loads a checkpoint and runs it. To classify one text:
//
//   const auto loaded = synth::Model::Load("models/intent-clinc150");
//   if (!loaded.ok()) return loaded.status();
//   const synth::Model& model = **loaded;
//   const synth::WorkspacePtr workspace = model.MakeWorkspace();
//
//   auto ids = model.tokenizer()->Encode("play some jazz");
//   if (!ids.ok()) return ids.status();  // the text is not UTF-8
//   model.tokenizer()->Truncate(*ids, model.max_text_tokens());
//   const std::vector<std::int32_t> offsets = {0, static_cast<std::int32_t>(ids->size())};
//
//   const std::span<const float> hidden = model.Forward({*ids, offsets}, *workspace);
//   std::vector<float> pooled(model.config().hidden_size);
//   model.Pool(hidden, model.config().pooling, pooled);
//   std::vector<float> scores(model.config().classifier->labels.size());
//   model.Classify(pooled, scores);
//   synth::LogitsToProbabilities(model.config().classifier->problem_type, scores);
//   const int best = synth::TopK(scores, 1).front();  // synth/postprocess.h
//   std::cout << model.config().classifier->labels[best] << "\n";  // play_music

namespace synth {

// What a loaded model is made of.
struct ModelInfo {
  std::string digest;                     // SHA-256 of its files, in hex: docs/checkpoint.md
  std::int64_t parameters = 0;            // numbers in all tensors
  std::int64_t embedding_parameters = 0;  // of the word, position and type embeddings
  std::int64_t score_parameters = 0;      // of the score sources of all layers
  std::size_t weight_bytes = 0;           // memory that the weights take
  Precision precision = Precision::kF32;
  std::string instruction_set;  // "v2", "v3", "v4" (x86-64 levels) or "generic"
};

// What the heads of one layer attend to in a text of n tokens.
struct LayerAttention {
  std::size_t layer = 0;              // from 0
  std::span<const float> weights;     // softmax(S) [H, n, n], row-major; valid during the visit
  std::size_t precomputed_bytes = 0;  // input-independent attention that the layer holds by now
};

struct LoadOptions {
  Precision precision = Precision::kF32;
};

// The memory of all activations of a forward pass. Every worker needs a workspace of its own. It
// grows to the largest batch that it has seen and never shrinks. It may be used with the model that
// made it only, and by one thread at a time.
class Workspace;
struct WorkspaceDeleter {
  void operator()(Workspace* workspace) const;
};
using WorkspacePtr = std::unique_ptr<Workspace, WorkspaceDeleter>;

// A Synthesizer text encoder, with its classifier and its tokenizer if the checkpoint has them. A
// model does not change after Load. Any number of threads may call its functions, each with a
// workspace of its own. The result of a text does not depend on the other texts of its batch.
class Model {
 public:
  // Reads a checkpoint folder (docs/checkpoint.md). The files may be replaced or removed
  // afterwards. Errors name the file, the tensor or key, what was expected and what was found:
  // - NOT_FOUND if a file is missing;
  // - INVALID_ARGUMENT if a file is damaged, does not fit the config, or changes while it is read;
  // - FAILED_PRECONDITION if this machine lacks the instructions for the precision.
  static absl::StatusOr<std::unique_ptr<const Model>> Load(const std::filesystem::path& folder,
                                                           const LoadOptions& options = {});

  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelConfig& config() const;
  const ModelInfo& info() const;
  // The longest text that Forward takes, in tokens, its special tokens included. This, and not
  // config().max_position_embeddings, is the limit of a text.
  int max_text_tokens() const;
  // Memory of the input-independent attention, in bytes. It grows when a text of a new class of
  // lengths is first computed.
  std::size_t attention_bytes() const;
  // The text of config.json as it was when the model was loaded.
  const std::string& config_json() const;
  // Null if the checkpoint has none.
  const Tokenizer* tokenizer() const;

  // For one worker, with or without helpers.
  WorkspacePtr MakeWorkspace() const;

  // One workspace for each of `count` workers that have the same helpers, whose max_threads() is at
  // most `count`. The workspaces share what a thread needs while it works, so that memory grows
  // with the number of threads, not with threads times workers. Every Forward with one of these
  // workspaces must therefore be given those helpers, or a OneThread with a number from them.
  std::vector<WorkspacePtr> MakeWorkspaces(int count) const;

  // OK if Forward may be called with `tokens`. Otherwise INVALID_ARGUMENT (malformed offsets, a
  // token id outside the vocabulary) or OUT_OF_RANGE (a text of more than max_text_tokens()).
  absl::Status Validate(const PackedTokens& tokens) const;

  // Computes the hidden states after the last layer: [T, D], row-major. They lie in `workspace` and
  // are valid until its next use. `tokens` must pass Validate. Helpers, if any, share the work of a
  // large batch; they do not change the result.
  std::span<const float> Forward(const PackedTokens& tokens, Workspace& workspace,
                                 Helpers* helpers = nullptr) const;

  // Computes what Forward does for one text [n], and calls `visit` with the attention of each
  // layer, the first layer first. The text must pass Validate. If a layer's scores do not depend on
  // the input (DependsOnInput), every text of n tokens shows the same. For people who look at a
  // model, not for serving: it is slow and allocates [H, n, n] numbers.
  void VisitAttention(std::span<const std::int32_t> token_ids, Workspace& workspace,
                      absl::FunctionRef<void(const LayerAttention&)> visit) const;

  // One vector for one text: hidden [n, D], with n >= 1, to pooled [D].
  void Pool(std::span<const float> hidden, Pooling pooling, std::span<float> pooled) const;

  // pooled [D] to the text's vector [E], through config().projections. E =
  // config().embedding_size().
  void Embed(std::span<const float> pooled, std::span<float> vector) const;

  // pooled [D] to logits [C]. The model must have a classifier.
  void Classify(std::span<const float> pooled, std::span<float> logits) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_H_
