#include "synth/config.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/layouts/layout.h"
#include "model/strings.h"

namespace synth {

std::string_view ToString(Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return "mean";
    case Pooling::kCls:
      return "cls";
    case Pooling::kMax:
      return "max";
    case Pooling::kMeanSqrtLen:
      return "mean_sqrt_len";
    case Pooling::kWeightedMean:
      return "weighted_mean";
    case Pooling::kLastToken:
      return "last_token";
  }
  return "";
}

std::string_view ToString(ProblemType type) {
  switch (type) {
    case ProblemType::kSingleLabel:
      return "single_label_classification";
    case ProblemType::kMultiLabel:
      return "multi_label_classification";
    case ProblemType::kRegression:
      return "regression";
  }
  return "";
}

std::string_view ToString(TokenizerType type) {
  switch (type) {
    case TokenizerType::kSentencePiece:
      return "sentencepiece";
    case TokenizerType::kWordPiece:
      return "wordpiece";
    case TokenizerType::kTokenizerJson:
      return "tokenizer.json";
  }
  return "";
}

absl::StatusOr<ModelConfig> ParseConfig(std::string_view text) {
  const auto value = ParseJson(text);
  if (!value.ok()) return value.status();
  if (!value->is_object()) {
    return absl::InvalidArgumentError(Cat("expected a JSON object, found ", Excerpt(*value)));
  }
  const JsonObject file{*value, ""};
  const auto layout = FindLayout(file);
  if (!layout.ok()) return layout.status();
  auto config = (*layout)->read_config(file);
  if (config.ok()) config->model_type = (*layout)->model_type;
  return config;
}

}  // namespace synth
