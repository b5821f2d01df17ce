#ifndef SYNTH_SERVER_MODELS_MODEL_ENGINE_H_
#define SYNTH_SERVER_MODELS_MODEL_ENGINE_H_

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/models/lane_helpers.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"
#include "synth/model.h"

namespace synth::server {

// The model as the scheduler's lanes see it, with one workspace per lane. Lanes that are idle help
// one that computes a large batch, such as a single long text.
class ModelEngine final : public scheduling::Engine {
 public:
  // `model` must have a tokenizer. `model` and `helpers` must outlive the engine; helpers has as
  // many threads as there are lanes. Call Compute only from threads that may call helpers.Run.
  ModelEngine(const Model& model, int lanes, LaneHelpers& helpers);

  int PredictTokens(const scheduling::Job& job) const override;
  // OUT_OF_RANGE if the text is too long and its group wants that to fail; INVALID_ARGUMENT if it
  // has no tokens or is not UTF-8; RESOURCE_EXHAUSTED if memory runs out.
  absl::Status Tokenize(scheduling::Job& job) override;
  // If memory runs out, the batch's jobs get RESOURCE_EXHAUSTED and no OnHidden.
  void Compute(std::span<scheduling::Job* const> batch, int lane) override;

  // Makes the first requests as fast as later ones. It runs the largest batch in every lane and on
  // every thread, all at the same time, so that all buffers have their final size. Then it runs
  // texts of half the longest length, a quarter, and so on: the model keeps its attention by class
  // of lengths, and each class is computed when the first text of it comes. Call it before anything
  // is computed, with the scheduler's max_batch_tokens. Throws std::bad_alloc.
  void WarmUp(int max_batch_tokens);

 private:
  struct Lane {
    WorkspacePtr workspace;
    std::vector<std::int32_t> token_ids;
    std::vector<std::int32_t> offsets;
    std::vector<std::int32_t> first_segments;
  };

  absl::Status TokenizeWithMemory(scheduling::Job& job);
  // The ids of job.text, which may be another job's, too.
  absl::StatusOr<std::vector<std::int32_t>> TokenizeFirst(const scheduling::Job& job);
  // Joins `first` and the ids of job.second.
  absl::Status TokenizePair(const std::vector<std::int32_t>& first, scheduling::Job& job);
  absl::Status TooLong(const scheduling::Job& job) const;
  // The hidden states [n, D] of the batch's texts, one after the other as in lane.offsets.
  std::span<const float> Forward(std::span<scheduling::Job* const> batch, Lane& lane);
  // Fills job.windows and job.tokens.
  void MakeWindows(scheduling::Job& job) const;
  // Computes `tokens` tokens in texts of at most `length`, on the thread of that number.
  void RunOnce(int tokens, int length, Lane& lane, int thread);

  const Model& model_;
  std::vector<Lane> lanes_;
  LaneHelpers& helpers_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_MODEL_ENGINE_H_
