#ifndef SYNTH_SERVER_MODELS_MODEL_ENGINE_H_
#define SYNTH_SERVER_MODELS_MODEL_ENGINE_H_

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/models/lane_helpers.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"
#include "synth/model.h"

namespace synth::server {

// The model as the scheduler's lanes see it, with one workspace per lane. Lanes that are idle help
// one that computes a large batch, such as a single long text.
class ModelEngine final : public scheduling::Engine {
 public:
  // `model` must have a tokenizer; it and `helpers`, for as many threads as lanes, must outlive the
  // engine. Compute must be called where helpers.Run may be.
  ModelEngine(const Model& model, int lanes, LaneHelpers& helpers);

  int PredictTokens(const scheduling::Job& job) const override;
  // OUT_OF_RANGE where the text is too long and its group wants that; INVALID_ARGUMENT where
  // it has no tokens or is not UTF-8; RESOURCE_EXHAUSTED if memory runs out.
  absl::Status Tokenize(scheduling::Job& job) override;
  // If memory runs out, the batch's jobs get RESOURCE_EXHAUSTED and no OnHidden.
  void Compute(std::span<scheduling::Job* const> batch, int lane) override;

  // Runs the largest batch in every lane and on every thread, so that the first requests find all
  // buffers as large as they will be, and the model at half the longest text, a quarter, ..., so
  // that they pay for no attention either: the model keeps it by class of lengths, and each length
  // has twice those of the one before. Before anything is computed; max_batch_tokens: the
  // scheduler's. Throws std::bad_alloc.
  void WarmUp(int max_batch_tokens);

 private:
  struct Lane {
    WorkspacePtr workspace;
    std::vector<std::int32_t> token_ids;
    std::vector<std::int32_t> offsets;
  };

  absl::Status TokenizeWithMemory(scheduling::Job& job);
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
