#ifndef SYNTH_SERVER_MODEL_ENGINE_H_
#define SYNTH_SERVER_MODEL_ENGINE_H_

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/lane_helpers.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"
#include "synth/model.h"

namespace synth::server {

// The model as the scheduler's lanes see it, with one workspace per lane. Lanes that are idle help
// one that computes a large batch, such as a single long text.
class ModelEngine final : public scheduling::Engine {
 public:
  // `model` must have a tokenizer and outlive the engine.
  ModelEngine(const Model& model, int lanes);

  int PredictTokens(const scheduling::Job& job) const override;
  // OUT_OF_RANGE where the text is too long and its group wants that; INVALID_ARGUMENT where
  // it has no tokens or is not UTF-8.
  absl::Status Tokenize(scheduling::Job& job) override;
  void Compute(std::span<scheduling::Job* const> batch, int lane) override;

  // Runs every lane at the longest text, so that the first request pays for no allocation, and the
  // model at half of that, a quarter, ..., so that it pays for no attention either: the model keeps
  // it by class of lengths, and each length has twice those of the one before.
  void WarmUp();

 private:
  struct Lane {
    WorkspacePtr workspace;
    std::vector<std::int32_t> token_ids;
    std::vector<std::int32_t> offsets;
  };

  // Fills job.windows and job.tokens.
  void MakeWindows(scheduling::Job& job) const;
  // Computes one text of `length` tokens.
  void RunOnce(int length, Lane& lane);

  const Model& model_;
  std::vector<Lane> lanes_;
  LaneHelpers helpers_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODEL_ENGINE_H_
