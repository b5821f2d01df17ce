#include "server/rpc/v1/rerank.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/pairs.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "server/serving/finite.h"
#include "synth/postprocess.h"

namespace synth::server {
namespace {

absl::Status CheckModel(const Model& model) {
  const auto& classifier = model.config().classifier;
  if (classifier && classifier->labels.size() == 1) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("model: expected a cross-encoder, which has a classifier with one label, found ",
                   classifier ? classifier->labels.size() : 0, " labels"));
}

}  // namespace

absl::StatusOr<TextBatch::Options> RerankMethod::MakeOptions(const Request& request,
                                                             const Model& model) {
  absl::Status status = CheckModel(model);
  status.Update(
      CheckEnum("score_type", request.score_type(), v1::ScoreType_IsValid(request.score_type())));
  status.Update(
      CheckEnum("truncation", request.truncation(), v1::Truncation_IsValid(request.truncation())));
  status.Update(CheckPairs(request.truncation(), model));
  if (!status.ok()) return status;
  if (request.query().empty()) {
    return absl::InvalidArgumentError("query: expected a text, found none");
  }
  return TextBatch::Options{.pooling = model.config().pooling,
                            .long_texts = LongTextsOf(request),
                            .query = request.query()};
}

absl::Status RerankMethod::Write(const Model& model, const Request& request, const TextResult& text,
                                 v1::RerankResult& result) {
  std::array<float, 1> score = {};
  model.Classify(text.vector, score);
  if (absl::Status status = CheckFinite(score); !status.ok()) return status;
  // Of one number, which the model's own problem_type may call a regression.
  if (request.score_type() != v1::SCORE_TYPE_LOGIT) {
    LogitsToProbabilities(ProblemType::kMultiLabel, score);
  }
  result.set_score(score.front());
  FillUsage(text, *result.mutable_usage());
  return absl::OkStatus();
}

void RerankMethod::Complete(const Request& request, const v1::Timings& timings,
                            Response& response) {
  *response.mutable_timings() = timings;
  auto& results = *response.mutable_results();
  for (int i = 0; i < results.size(); ++i) results[i].set_index(static_cast<std::uint32_t>(i));
  std::ranges::stable_sort(results, [](const v1::RerankResult& a, const v1::RerankResult& b) {
    if (a.has_status() != b.has_status()) return b.has_status();
    return !a.has_status() && a.score() > b.score();
  });
  if (!request.has_top_k() || request.top_k() == 0) return;
  const auto size = static_cast<std::uint32_t>(results.size());
  const int kept = static_cast<int>(std::min(request.top_k(), size));
  results.DeleteSubrange(kept, results.size() - kept);
}

}  // namespace synth::server
