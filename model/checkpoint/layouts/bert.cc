// BERT (Devlin et al. 2019) as Hugging Face's transformers saves it: BertModel,
// BertForSequenceClassification, and the encoder of BertForMaskedLM and BertForPreTraining.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

constexpr std::array kArchitectures = {
    Choice<Head>{"BertModel", Head::kNone}, Choice<Head>{"BertForMaskedLM", Head::kNone},
    Choice<Head>{"BertForPreTraining", Head::kNone},
    Choice<Head>{"BertForSequenceClassification", Head::kSequenceClassifier}};

absl::StatusOr<ModelConfig> ReadConfig(const JsonObject& file) {
  if (absl::Status status = CheckPlain(file); !status.ok()) return status;
  const auto head = ReadHead(file, kArchitectures);
  if (!head.ok()) return head.status();
  ModelConfig config;
  config.type_vocab_size = 2;
  absl::Status status = ReadSizes(file, config);
  status.Update(ReadActivation(file, config, {Activation::kGelu}));
  status.Update(ReadLayerNormEps(file, config));
  if (*head == Head::kSequenceClassifier) {
    status.Update(ReadSequenceClassifier(file, Pooler::kTanh, config));
  }
  if (!status.ok()) return status;
  config.attention.assign(static_cast<std::size_t>(config.num_hidden_layers), DotProductSpec{});
  return config;
}

// The names of the first BERT, which TensorFlow checkpoints were converted with.
std::string WithoutOldNames(std::string name) {
  constexpr std::array kEnds = {std::pair<std::string_view, std::string_view>{".gamma", ".weight"},
                                std::pair<std::string_view, std::string_view>{".beta", ".bias"}};
  for (const auto& [old_end, end] : kEnds) {
    if (name.ends_with(Cat("LayerNorm", old_end))) {
      name.replace(name.size() - old_end.size(), old_end.size(), end);
    }
  }
  return name;
}

std::optional<std::string> TableName(std::string_view file_name, const ModelConfig& config) {
  std::string name = WithoutPrefix(file_name, "bert.");
  // The numbers 0 to L - 1, and heads of the training.
  if (name == "embeddings.position_ids" || name.starts_with("cls.")) return std::nullopt;
  if (name.starts_with("pooler.") && !config.classifier) return std::nullopt;
  return WithoutOldNames(std::move(name));
}

absl::Status ReadFolder(Folder& folder, ModelConfig& config) {
  absl::Status status = ReadSentenceTransformers(folder, config);
  if (status.ok()) status = FindWordPiece(folder, config);
  return status;
}

}  // namespace

const Layout kBertLayout = {.model_type = "bert",
                            .read_config = ReadConfig,
                            .read_folder = ReadFolder,
                            .table_name = TableName};

}  // namespace synth
