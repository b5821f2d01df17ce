#include "model/checkpoint/layouts/transformers_keys.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/layouts/encoder_keys.h"
#include "synth/config.h"

namespace synth {

using nlohmann::json;

absl::Status CheckPlain(const JsonObject& file) {
  for (const std::string_view key : {"is_decoder", "add_cross_attention"}) {
    const json* const value = Find(file.value, key);
    if (value != nullptr && *value != false) return KeyError(key, "false", value);
  }
  if (const json* const code = Find(file.value, "auto_map")) {
    return KeyError("auto_map", "nothing: code that comes with a model is not run", code);
  }
  if (const json* const format = Find(file.value, "quantization_config")) {
    return KeyError("quantization_config", "nothing: weights of their own format are not read",
                    format);
  }
  if (const json* const pruned = Find(file.value, "pruned_heads");
      pruned != nullptr && !pruned->empty()) {
    return KeyError("pruned_heads", "none", pruned);
  }
  const json* const positions = Find(file.value, "position_embedding_type");
  if (positions != nullptr && *positions != "absolute") {
    return KeyError("position_embedding_type", "\"absolute\"", positions);
  }
  return absl::OkStatus();
}

absl::Status ReadSequenceClassifier(const JsonObject& file, Pooler pooler, ModelConfig& config) {
  // transformers writes neither key for two classes.
  std::vector<std::string> labels = {"LABEL_0", "LABEL_1"};
  if (Find(file.value, "id2label") != nullptr) {
    if (absl::Status status = Store(ReadLabels(file), labels); !status.ok()) return status;
  }
  // transformers trains one output without a problem_type as a regression.
  const auto type = ReadProblemType(
      file, {labels.size() == 1 ? ProblemType::kRegression : ProblemType::kSingleLabel});
  if (!type.ok()) return type.status();
  if (labels.size() == 1 && *type == ProblemType::kSingleLabel) {
    return KeyError("problem_type", "\"regression\", as id2label has one label alone",
                    Find(file.value, "problem_type"));
  }
  config.classifier =
      ClassifierConfig{.problem_type = *type, .pooler = pooler, .labels = std::move(labels)};
  config.pooling = Pooling::kCls;
  return absl::OkStatus();
}

std::string WithoutPrefix(std::string_view name, std::string_view prefix) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return std::string(name);
}

}  // namespace synth
