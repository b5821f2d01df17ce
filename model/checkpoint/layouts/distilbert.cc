// DistilBERT (Sanh et al. 2019) as Hugging Face's transformers saves it: DistilBertModel,
// DistilBertForSequenceClassification, and the encoder of DistilBertForMaskedLM.
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
    Choice<Head>{"DistilBertModel", Head::kNone},
    Choice<Head>{"DistilBertForMaskedLM", Head::kNone},
    Choice<Head>{"DistilBertForSequenceClassification", Head::kSequenceClassifier}};

constexpr SizeKeys kSizes = {.hidden_size = "dim",
                             .num_hidden_layers = "n_layers",
                             .num_attention_heads = "n_heads",
                             .intermediate_size = "hidden_dim"};

absl::StatusOr<ModelConfig> ReadConfig(const JsonObject& file) {
  if (absl::Status status = CheckPlain(file); !status.ok()) return status;
  const auto head = ReadHead(file, kArchitectures);
  if (!head.ok()) return head.status();
  ModelConfig config;
  absl::Status status = ReadSizesAs(file, kSizes, config);
  status.Update(ReadActivation(file, config, {Activation::kGelu}, "activation"));
  // How the positions were drawn: whichever they are, the file holds them.
  constexpr std::string_view kSinusoidal = "sinusoidal_pos_embds";
  if (Find(file.value, kSinusoidal) != nullptr) status.Update(ReadBool(file, kSinusoidal).status());
  if (*head == Head::kSequenceClassifier) {
    status.Update(ReadSequenceClassifier(file, Pooler::kRelu, config));
  }
  if (!status.ok()) return status;
  config.attention.assign(static_cast<std::size_t>(config.num_hidden_layers), DotProductSpec{});
  return config;
}

using Names = std::pair<std::string_view, std::string_view>;  // in the file, in the table
constexpr std::array kLayerNames = {Names{"attention.q_lin.", "attention.self.query."},
                                    Names{"attention.k_lin.", "attention.self.key."},
                                    Names{"attention.v_lin.", "attention.self.value."},
                                    Names{"attention.out_lin.", "attention.output.dense."},
                                    Names{"sa_layer_norm.", "attention.output.LayerNorm."},
                                    Names{"ffn.lin1.", "intermediate.dense."},
                                    Names{"ffn.lin2.", "output.dense."},
                                    Names{"output_layer_norm.", "output.LayerNorm."}};

// "transformer.layer.3.ffn.lin1.bias" -> "encoder.layer.3.intermediate.dense.bias"
std::optional<std::string> LayerTensor(std::string_view name) {
  constexpr std::string_view kLayers = "transformer.layer.";
  if (!name.starts_with(kLayers)) return std::nullopt;
  name.remove_prefix(kLayers.size());
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view number = name.substr(0, dot + 1);
  name.remove_prefix(number.size());
  for (const auto& [in_file, in_table] : kLayerNames) {
    if (!name.starts_with(in_file)) continue;
    return Cat("encoder.layer.", number, in_table, name.substr(in_file.size()));
  }
  return std::nullopt;
}

std::optional<std::string> TableName(std::string_view file_name, const ModelConfig& config) {
  const std::string name = WithoutPrefix(file_name, "distilbert.");
  // The numbers 0 to L - 1, and the head of the training.
  if (name == "embeddings.position_ids") return std::nullopt;
  for (const std::string_view head :
       {"vocab_transform.", "vocab_layer_norm.", "vocab_projector."}) {
    if (name.starts_with(head)) return std::nullopt;
  }
  constexpr std::string_view kPreClassifier = "pre_classifier.";
  if (config.classifier && name.starts_with(kPreClassifier)) {
    return Cat("pooler.dense.", name.substr(kPreClassifier.size()));
  }
  if (auto tensor = LayerTensor(name)) return tensor;
  return name;
}

absl::Status ReadFolder(Folder& folder, ModelConfig& config) {
  absl::Status status = ReadSentenceTransformers(folder, config);
  if (status.ok()) status = FindWordPiece(folder, config);
  return status;
}

}  // namespace

const Layout kDistilbertLayout = {.model_type = "distilbert",
                                  .read_config = ReadConfig,
                                  .read_folder = ReadFolder,
                                  .table_name = TableName};

}  // namespace synth
