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
#include "synth/config.h"
#include "synth/precision.h"
#include "synth/tokenizer.h"

namespace synth {

// Texts without padding: text b is token_ids[offsets[b] .. offsets[b + 1]).
struct PackedTokens {
  std::span<const std::int32_t> token_ids;  // [T], each in [0, V)
  std::span<const std::int32_t>
      offsets;  // [B + 1], offsets[0] = 0, offsets[B] = T, strictly rising

  int texts() const { return offsets.empty() ? 0 : static_cast<int>(offsets.size()) - 1; }
  int tokens() const { return static_cast<int>(token_ids.size()); }
};

// What a loaded model is made of.
struct ModelInfo {
  std::string digest;  // SHA-256 in hex, see docs/checkpoint.md
  std::int64_t parameters = 0;
  std::int64_t embedding_parameters = 0;  // word, position and type embeddings
  std::int64_t score_parameters = 0;      // of the score sources, all layers
  std::size_t weight_bytes = 0;           // weights as held in memory
  Precision precision = Precision::kF32;
  std::string instruction_set;  // "v2", "v3", "v4" (x86-64 levels) or "generic"
};

// What the heads of one layer attend to in a text of n tokens.
struct LayerAttention {
  std::size_t layer = 0;
  std::span<const float> weights;     // softmax(S) [H, n, n], row-major; valid during the visit
  std::size_t precomputed_bytes = 0;  // input-independent attention that the layer holds by now
};

struct LoadOptions {
  Precision precision = Precision::kF32;
};

// Every activation buffer of a forward pass. One per worker; grows to the largest batch seen and
// never shrinks. Not thread-safe; belongs to the model that made it. A part of it is per thread at
// work: workspaces made together share that.
class Workspace;
struct WorkspaceDeleter {
  void operator()(Workspace* workspace) const;
};
using WorkspacePtr = std::unique_ptr<Workspace, WorkspaceDeleter>;

// Threads that may take part in a forward pass.
class Helpers {
 public:
  virtual ~Helpers() = default;

  // The most that ever work at once, for all callers together; constant.
  virtual int max_threads() const = 0;
  // How many can work at once now, the caller's included; 1 .. max_threads().
  virtual int threads() const = 0;
  // Calls part(0, t), ..., part(count - 1, t), each once, on any threads at the same time or one
  // after the other, and returns when all have returned. t is the number of the thread that calls,
  // 0 .. max_threads() - 1: no two that work at the same time, for whomever, have the same.
  virtual void Run(int count, absl::FunctionRef<void(int part, int thread)> part) = 0;
};

// No help: all that its caller has to do is done on the thread of that number. For a worker whose
// workspace shares what belongs to threads.
class OneThread final : public Helpers {
 public:
  OneThread(int max_threads, int thread) : max_threads_(max_threads), thread_(thread) {}

  int max_threads() const override { return max_threads_; }
  int threads() const override { return 1; }
  void Run(int count, absl::FunctionRef<void(int part, int thread)> part) override {
    for (int i = 0; i < count; ++i) part(i, thread_);
  }

 private:
  const int max_threads_;
  const int thread_;
};

// A Synthesizer text encoder, with its classifier and tokenizer where the checkpoint has them.
// Immutable after Load: const functions may be called from any number of threads, each with its own
// workspace. A text's results do not depend on the other texts of its batch.
class Model {
 public:
  // Reads a checkpoint folder (docs/checkpoint.md). NOT_FOUND where a file is missing;
  // INVALID_ARGUMENT where one is damaged or does not fit the config, naming the file, the tensor
  // or key, what was expected and what was found; FAILED_PRECONDITION where this machine lacks the
  // instructions for the precision.
  static absl::StatusOr<std::unique_ptr<const Model>> Load(const std::filesystem::path& folder,
                                                           const LoadOptions& options = {});

  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelConfig& config() const;
  const ModelInfo& info() const;
  // The input-independent attention computed so far: for the lengths of text that were seen.
  std::size_t attention_bytes() const;
  // The text of config.json, as it stands on disk.
  const std::string& config_json() const;
  // Null where the checkpoint has none.
  const Tokenizer* tokenizer() const;

  WorkspacePtr MakeWorkspace() const;
  // One for each of `count` workers that have the same helpers, with max_threads() <= count. They
  // share what a thread needs while it works, so that its memory grows with the threads and not
  // with threads times workers; hence these helpers must be given to every Forward.
  std::vector<WorkspacePtr> MakeWorkspaces(int count) const;

  // OK if Forward may be called with `tokens`; INVALID_ARGUMENT (malformed offsets, a token id
  // outside the vocabulary) or OUT_OF_RANGE (a text longer than L) otherwise.
  absl::Status Validate(const PackedTokens& tokens) const;

  // The hidden states after the last layer [T, D], row-major, in `workspace` and valid until its
  // next use. `tokens` must pass Validate. Helpers share the work where there is enough of it; the
  // result is the same with and without them.
  std::span<const float> Forward(const PackedTokens& tokens, Workspace& workspace,
                                 Helpers* helpers = nullptr) const;

  // For people who look at a model, not for serving: computes what Forward does for one text [n],
  // which must pass Validate, and calls `visit` with the attention of each layer, the first layer
  // first. Where a layer's scores do not depend on the input (DependsOnInput), any text of n tokens
  // shows the same.
  void VisitAttention(std::span<const std::int32_t> token_ids, Workspace& workspace,
                      absl::FunctionRef<void(const LayerAttention&)> visit) const;

  // One vector for one text: hidden [n, D] -> pooled [D].
  void Pool(std::span<const float> hidden, Pooling pooling, std::span<float> pooled) const;

  // pooled [D] -> logits [C]. The model must have a classifier.
  void Classify(std::span<const float> pooled, std::span<float> logits) const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_H_
