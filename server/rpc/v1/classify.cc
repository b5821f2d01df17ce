#include "server/rpc/v1/classify.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/pairs.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "server/serving/finite.h"
#include "synth/postprocess.h"

namespace synth::server {
namespace {

int TopKOf(const v1::ClassifyRequest& request) {
  if (!request.has_top_k()) return 1;
  return static_cast<int>(
      std::min(request.top_k(), static_cast<std::uint32_t>(std::numeric_limits<int>::max())));
}

}  // namespace

absl::StatusOr<TextBatch::Options> ClassifyMethod::MakeOptions(const Request& request,
                                                               const Model& model) {
  if (!model.config().classifier) {
    return absl::FailedPreconditionError("model: this model has no classifier, use Encode");
  }
  absl::Status status =
      CheckEnum("score_type", request.score_type(), v1::ScoreType_IsValid(request.score_type()));
  if (!status.ok()) return status;
  TextBatch::Options options{.pooling = model.config().pooling};
  status = SetLongTexts(request, model, options);
  if (!request.text_pairs().empty()) status.Update(CheckPairs(request.truncation(), model));
  if (!status.ok()) return status;
  return options;
}

std::int64_t ClassifyMethod::EntriesOf(const Model& model, const Request& request,
                                       const TextResult& /*text*/) {
  const std::vector<std::string>& labels = model.config().classifier->labels;
  const int top_k = TopKOf(request);
  if (top_k != 0 && top_k < static_cast<int>(labels.size())) return top_k;
  return static_cast<std::int64_t>(labels.size());
}

absl::Status ClassifyMethod::Write(const Model& model, const Request& request,
                                   const TextResult& text, v1::ClassifyResult& result) {
  const ModelConfig& config = model.config();
  std::vector<float> scores(config.classifier->labels.size());
  model.Classify(text.vector, scores);
  if (absl::Status status = CheckFinite(scores); !status.ok()) return status;

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
  FillUsage(text, *result.mutable_usage());
  return absl::OkStatus();
}

}  // namespace synth::server
