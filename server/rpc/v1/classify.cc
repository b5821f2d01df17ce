#include "server/rpc/v1/classify.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "synth/postprocess.h"

namespace synth::server {
namespace {

int TopKOf(const v1::ClassifyRequest& request) {
  if (!request.has_top_k()) return 1;
  return static_cast<int>(
      std::min(request.top_k(), static_cast<std::uint32_t>(std::numeric_limits<int>::max())));
}

}  // namespace

absl::Status ClassifyMethod::CheckOptions(const Request& request, const Model& model) {
  if (!model.config().classifier) {
    return absl::FailedPreconditionError("model: this model has no classifier, use Encode");
  }
  absl::Status status =
      CheckEnum("score_type", request.score_type(), v1::ScoreType_IsValid(request.score_type()));
  if (!status.ok()) return status;
  return CheckLongTexts(request, model);
}

Pooling ClassifyMethod::PoolingOf(const Request& /*request*/, const Model& model) {
  return model.config().pooling;
}

void ClassifyMethod::FillPooled(const Model& model, const Request& request, std::span<float> pooled,
                                v1::ClassifyResult& result) {
  const ModelConfig& config = model.config();
  std::vector<float> scores(config.classifier->labels.size());
  model.Classify(pooled, scores);

  if (config.out_of_scope) {
    v1::OutOfScope& out_of_scope = *result.mutable_out_of_scope();
    const float score = ComputeOutOfScopeScore(config.out_of_scope->score, scores);
    out_of_scope.set_score(score);
    out_of_scope.set_threshold(config.out_of_scope->threshold);
    out_of_scope.set_out_of_scope(score > config.out_of_scope->threshold);
  }
  if (request.score_type() != v1::SCORE_TYPE_LOGIT)
    LogitsToProbabilities(config.classifier->problem_type, scores);
  for (const int index : TopK(scores, TopKOf(request))) {
    const auto place = static_cast<std::size_t>(index);
    v1::Label& label = *result.add_labels();
    label.set_name(config.classifier->labels[place]);
    label.set_index(static_cast<std::uint32_t>(index));
    label.set_score(scores[place]);
  }
}

void ClassifyMethod::FillDone(const Model& /*model*/, const scheduling::Job& job,
                              v1::ClassifyResult& result) {
  FillUsage(job, *result.mutable_usage());
}

}  // namespace synth::server
