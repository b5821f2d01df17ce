// The layout of this project's own checkpoints (docs/checkpoint.md), which train/ writes.
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/layouts/attention_keys.h"
#include "model/checkpoint/layouts/encoder_keys.h"
#include "model/checkpoint/layouts/layout.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr std::array kNormPositions = {Choice<NormPosition>{"post", NormPosition::kPost},
                                       Choice<NormPosition>{"pre", NormPosition::kPre}};
constexpr std::array kPositionEmbeddings = {
    Choice<PositionEmbedding>{"absolute", PositionEmbedding::kAbsolute},
    Choice<PositionEmbedding>{"none", PositionEmbedding::kNone}};
constexpr std::array kPoolings = {Choice<Pooling>{"mean", Pooling::kMean},
                                  Choice<Pooling>{"cls", Pooling::kCls},
                                  Choice<Pooling>{"max", Pooling::kMax}};
constexpr std::array kOutOfScopeScores = {
    Choice<OutOfScopeScore>{"max_probability", OutOfScopeScore::kMaxProbability},
    Choice<OutOfScopeScore>{"energy", OutOfScopeScore::kEnergy}};

absl::Status ReadChoices(const JsonObject& file, ModelConfig& config) {
  absl::Status status = ReadActivation(file, config);
  status.Update(Store(ReadChoice(file, "norm_position", kNormPositions, {NormPosition::kPost}),
                      config.norm_position));
  status.Update(Store(ReadChoice(file, "position_embedding_type", kPositionEmbeddings,
                                 {PositionEmbedding::kAbsolute}),
                      config.position_embedding));
  status.Update(Store(ReadChoice(file, "pooling", kPoolings, {Pooling::kMean}), config.pooling));
  return status;
}

absl::Status ReadClassifier(const JsonObject& file, ModelConfig& config) {
  if (Find(file.value, "id2label") == nullptr) {
    if (const json* const type = Find(file.value, "problem_type")) {
      return KeyError("problem_type", "nothing, as there is no id2label", type);
    }
    return absl::OkStatus();
  }
  auto labels = ReadLabels(file);
  if (!labels.ok()) return labels.status();
  const auto type = ReadProblemType(file);
  if (!type.ok()) return type.status();
  config.classifier = ClassifierConfig{.problem_type = *type, .labels = *std::move(labels)};
  return absl::OkStatus();
}

absl::Status ReadToken(const JsonObject& object, std::string_view key,
                       std::optional<std::string>& into) {
  if (Find(object.value, key) == nullptr) return absl::OkStatus();
  const auto token = ReadString(object, key);
  if (!token.ok()) return token.status();
  into = *token;
  return absl::OkStatus();
}

absl::Status ReadTokenizer(const JsonObject& file, ModelConfig& config) {
  const json* const value = Find(file.value, "tokenizer");
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_object()) return KeyError("tokenizer", "an object", value);
  const JsonObject object{*value, "tokenizer"};
  constexpr std::array kTypes = {Choice<bool>{"sentencepiece", true}};
  if (const auto type = ReadChoice(object, "type", kTypes); !type.ok()) return type.status();
  TokenizerConfig tokenizer;
  auto name = ReadString(object, "file");
  if (!name.ok()) return name.status();
  if (!IsPlainFileName(*name)) {
    return KeyError("tokenizer.file", "the name of a file in the checkpoint's folder",
                    Find(*value, "file"));
  }
  tokenizer.file = *std::move(name);
  absl::Status status = ReadToken(object, "cls_token", tokenizer.cls_token);
  status.Update(ReadToken(object, "sep_token", tokenizer.sep_token));
  config.tokenizer = std::move(tokenizer);
  return status;
}

absl::Status ReadOutOfScope(const JsonObject& file, ModelConfig& config) {
  const json* const value = Find(file.value, "out_of_scope");
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_object()) return KeyError("out_of_scope", "an object", value);
  if (!config.classifier) {
    return KeyError("out_of_scope", "nothing, as there is no id2label", value);
  }
  if (config.classifier->problem_type == ProblemType::kRegression) {
    return KeyError("out_of_scope", "nothing, as problem_type is \"regression\"", value);
  }
  const JsonObject object{*value, "out_of_scope"};
  const auto score = ReadChoice(object, "score", kOutOfScopeScores);
  if (!score.ok()) return score.status();
  const auto threshold = ReadFloat(object, "threshold");
  if (!threshold.ok()) return threshold.status();
  config.out_of_scope = OutOfScopeConfig{*score, *threshold};
  return absl::OkStatus();
}

absl::StatusOr<ModelConfig> ReadConfig(const JsonObject& file) {
  ModelConfig config;
  for (const auto read : {ReadSizes, ReadChoices, ReadLayerNormEps, ReadAttention, ReadClassifier,
                          ReadTokenizer, ReadOutOfScope}) {
    if (absl::Status status = read(file, config); !status.ok()) return status;
  }
  return config;
}

// config.json says it all.
absl::Status ReadFolder(Folder& /*folder*/, ModelConfig& /*config*/) { return absl::OkStatus(); }

std::optional<std::string> TableName(std::string_view name, const ModelConfig& /*config*/) {
  return std::string(name);
}

}  // namespace

const Layout kSynthesizerLayout = {.model_type = "synthesizer",
                                   .read_config = ReadConfig,
                                   .read_folder = ReadFolder,
                                   .table_name = TableName};

}  // namespace synth
