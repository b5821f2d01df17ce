// RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020) as Hugging Face's transformers saves
// them: the encoder, its sequence classifier, and the encoder of a masked language model.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/layouts/encoder_keys.h"
#include "model/checkpoint/layouts/layout.h"
#include "model/checkpoint/layouts/sentence_transformers.h"
#include "model/checkpoint/layouts/tokenizer_files.h"
#include "model/checkpoint/layouts/transformers_keys.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

constexpr std::array kRobertaArchitectures = {
    Choice<Head>{"RobertaModel", Head::kNone}, Choice<Head>{"RobertaForMaskedLM", Head::kNone},
    Choice<Head>{"RobertaForSequenceClassification", Head::kSequenceClassifier}};
constexpr std::array kXlmRobertaArchitectures = {
    Choice<Head>{"XLMRobertaModel", Head::kNone},
    Choice<Head>{"XLMRobertaForMaskedLM", Head::kNone},
    Choice<Head>{"XLMRobertaForSequenceClassification", Head::kSequenceClassifier}};

// max_position_embeddings counts the rows of the table of positions. Those up to pad_token_id's are
// for padding, so that a text has that many tokens fewer.
absl::Status ReadPositions(const JsonObject& file, ModelConfig& config) {
  const int rows = config.max_position_embeddings;
  int pad = 1;
  if (Find(file.value, "pad_token_id") != nullptr) {
    absl::Status status = Store(ReadInt(file, "pad_token_id", 0, kMaxSize), pad);
    if (!status.ok()) return status;
  }
  if (rows <= pad + 1) {
    return KeyError("max_position_embeddings", Cat("more than pad_token_id + 1 = ", pad + 1),
                    Find(file.value, "max_position_embeddings"));
  }
  config.position_pad_id = pad;
  config.max_position_embeddings = rows - (pad + 1);
  return absl::OkStatus();
}

template <std::size_t kCount>
absl::StatusOr<ModelConfig> ReadConfigOf(const std::array<Choice<Head>, kCount>& architectures,
                                         const JsonObject& file) {
  if (absl::Status status = CheckPlain(file); !status.ok()) return status;
  const auto head = ReadHead(file, architectures);
  if (!head.ok()) return head.status();
  ModelConfig config;
  config.type_vocab_size = 2;
  absl::Status status = ReadSizes(file, config);
  if (status.ok()) status = ReadPositions(file, config);
  status.Update(ReadActivation(file, config, {Activation::kGelu}));
  status.Update(ReadLayerNormEps(file, config));
  if (*head == Head::kSequenceClassifier) {
    status.Update(ReadSequenceClassifier(file, Pooler::kTanh, config));
  }
  if (!status.ok()) return status;
  config.attention.assign(static_cast<std::size_t>(config.num_hidden_layers), DotProductSpec{});
  return config;
}

absl::StatusOr<ModelConfig> ReadRobertaConfig(const JsonObject& file) {
  return ReadConfigOf(kRobertaArchitectures, file);
}
absl::StatusOr<ModelConfig> ReadXlmRobertaConfig(const JsonObject& file) {
  return ReadConfigOf(kXlmRobertaArchitectures, file);
}

std::optional<std::string> TableName(std::string_view file_name, const ModelConfig& config) {
  std::string name = WithoutPrefix(file_name, "roberta.");
  // The numbers 0 to L - 1, the head of the training, and a pooler that no head reads.
  if (name == "embeddings.position_ids" || name.starts_with("lm_head.") ||
      name.starts_with("pooler.")) {
    return std::nullopt;
  }
  if (!config.classifier) return name;
  constexpr std::string_view kDense = "classifier.dense.";
  constexpr std::string_view kOutput = "classifier.out_proj.";
  if (name.starts_with(kDense)) return Cat("pooler.dense.", name.substr(kDense.size()));
  if (name.starts_with(kOutput)) return Cat("classifier.", name.substr(kOutput.size()));
  return name;
}

absl::Status ReadFolder(Folder& folder, ModelConfig& config) {
  absl::Status status = ReadSentenceTransformers(folder, config);
  if (status.ok()) status = FindTokenizerJson(folder, config);
  return status;
}

}  // namespace

const Layout kRobertaLayout = {.model_type = "roberta",
                               .read_config = ReadRobertaConfig,
                               .read_folder = ReadFolder,
                               .table_name = TableName};
const Layout kXlmRobertaLayout = {.model_type = "xlm-roberta",
                                  .read_config = ReadXlmRobertaConfig,
                                  .read_folder = ReadFolder,
                                  .table_name = TableName};

}  // namespace synth
