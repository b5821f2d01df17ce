// BERT (Devlin et al. 2019) as Hugging Face's transformers saves it: BertModel,
// BertForSequenceClassification, and the encoder of BertForMaskedLM and BertForPreTraining.
#include <algorithm>
#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/layouts/encoder_keys.h"
#include "model/checkpoint/layouts/layout.h"
#include "model/checkpoint/layouts/sentence_transformers.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

enum class Head { kNone, kSequenceClassifier };
// Those whose head is not served are encoders here.
constexpr std::array kArchitectures = {
    Choice<Head>{"BertModel", Head::kNone}, Choice<Head>{"BertForMaskedLM", Head::kNone},
    Choice<Head>{"BertForPreTraining", Head::kNone},
    Choice<Head>{"BertForSequenceClassification", Head::kSequenceClassifier}};

// `architectures` is an array of one name, and absent where a config was written by hand.
absl::StatusOr<Head> ReadHead(const JsonObject& file) {
  const json* const value = Find(file.value, "architectures");
  if (value == nullptr) return Head::kNone;
  if (!value->is_array() || value->size() != 1) {
    return KeyError("architectures", "an array of one name", value);
  }
  const json name = {{"architectures[0]", (*value)[0]}};
  return ReadChoice({name, ""}, "architectures[0]", kArchitectures);
}

// Keys that would make it another model than the one computed here.
absl::Status CheckPlain(const JsonObject& file) {
  for (const std::string_view key : {"is_decoder", "add_cross_attention"}) {
    const json* const value = Find(file.value, key);
    if (value != nullptr && *value != false) return KeyError(key, "false", value);
  }
  for (const std::string_view key : {"auto_map", "quantization_config"}) {
    const json* const value = Find(file.value, key);
    if (value != nullptr) return KeyError(key, "nothing: no code and no format of its own", value);
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

absl::Status ReadClassifier(const JsonObject& file, ModelConfig& config) {
  // transformers writes neither key for two classes.
  std::vector<std::string> labels = {"LABEL_0", "LABEL_1"};
  if (Find(file.value, "id2label") != nullptr) {
    if (absl::Status status = Store(ReadLabels(file), labels); !status.ok()) return status;
  }
  if (labels.size() < 2) {
    return KeyError("id2label", "two labels or more: regression is not served",
                    Find(file.value, "id2label"));
  }
  const auto type = ReadProblemType(file, {ProblemType::kSingleLabel});
  if (!type.ok()) return type.status();
  config.classifier =
      ClassifierConfig{.problem_type = *type, .has_pooler = true, .labels = std::move(labels)};
  config.pooling = Pooling::kCls;
  return absl::OkStatus();
}

absl::StatusOr<ModelConfig> ReadConfig(const JsonObject& file) {
  if (absl::Status status = CheckPlain(file); !status.ok()) return status;
  const auto head = ReadHead(file);
  if (!head.ok()) return head.status();
  ModelConfig config;
  config.type_vocab_size = 2;
  absl::Status status = ReadSizes(file, config);
  status.Update(ReadActivation(file, config, {Activation::kGelu}));
  status.Update(ReadLayerNormEps(file, config));
  if (*head == Head::kSequenceClassifier) status.Update(ReadClassifier(file, config));
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

std::optional<std::string> TableName(std::string_view name, const ModelConfig& config) {
  constexpr std::string_view kPrefix = "bert.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  const bool has_pooler = config.classifier && config.classifier->has_pooler;
  // The numbers 0 to L - 1, and heads of the training.
  if (name == "embeddings.position_ids" || name.starts_with("cls.")) return std::nullopt;
  if (name.starts_with("pooler.") && !has_pooler) return std::nullopt;
  return WithoutOldNames(std::string(name));
}

// A token as tokenizer_config.json writes it: a string, or an object with its content.
absl::Status ReadToken(const JsonObject& file, std::string_view key,
                       std::optional<std::string>& into) {
  const json* const value = Find(file.value, key);
  if (value == nullptr) return absl::OkStatus();
  const auto token = value->is_object() ? ReadString({*value, std::string(key)}, "content")
                                        : ReadString(file, key);
  if (token.ok()) into = *token;
  return token.status();
}

absl::Status ReadTokenizerConfig(const JsonObject& file, TokenizerConfig& tokenizer) {
  absl::Status status;
  const auto read_flag = [&](std::string_view key, auto& into) {
    if (Find(file.value, key) == nullptr) return;
    const auto flag = ReadBool(file, key);
    status.Update(flag.status());
    if (flag.ok()) into = *flag;
  };
  bool do_basic_tokenize = true;
  read_flag("do_lower_case", tokenizer.do_lower_case);
  read_flag("tokenize_chinese_chars", tokenizer.tokenize_chinese_chars);
  read_flag("strip_accents", tokenizer.strip_accents);
  read_flag("do_basic_tokenize", do_basic_tokenize);
  if (!do_basic_tokenize) {
    status.Update(KeyError("do_basic_tokenize", "true", Find(file.value, "do_basic_tokenize")));
  }
  if (const json* const never = Find(file.value, "never_split");
      never != nullptr && !never->empty()) {
    status.Update(KeyError("never_split", "nothing", never));
  }
  status.Update(ReadToken(file, "cls_token", tokenizer.cls_token));
  status.Update(ReadToken(file, "sep_token", tokenizer.sep_token));
  return status;
}

// tokenizer.json says all; vocab.txt is what folders had before it, and needs
// tokenizer_config.json.
absl::Status FindTokenizer(Folder& folder, ModelConfig& config) {
  TokenizerConfig tokenizer;
  if (folder.Has("tokenizer.json")) {
    tokenizer.type = TokenizerType::kTokenizerJson;
    tokenizer.file = "tokenizer.json";
  } else if (folder.Has("vocab.txt")) {
    tokenizer.type = TokenizerType::kWordPiece;
    tokenizer.file = "vocab.txt";
    tokenizer.cls_token = "[CLS]";
    tokenizer.sep_token = "[SEP]";
    constexpr std::string_view kName = "tokenizer_config.json";
    const auto file = folder.ReadJsonIfThere(kName);
    if (!file.ok()) return file.status();
    if (*file) {
      absl::Status status = (*file)->is_object()
                                ? ReadTokenizerConfig({**file, ""}, tokenizer)
                                : absl::InvalidArgumentError("expected a JSON object");
      if (!status.ok()) return InFile(folder.path() / kName, status);
    }
  } else {
    return absl::OkStatus();
  }
  config.tokenizer = std::move(tokenizer);
  return absl::OkStatus();
}

absl::Status ReadFolder(Folder& folder, ModelConfig& config) {
  absl::Status status = ReadSentenceTransformers(folder, config);
  if (status.ok()) status = FindTokenizer(folder, config);
  return status;
}

}  // namespace

const Layout kBertLayout = {.model_type = "bert",
                            .read_config = ReadConfig,
                            .read_folder = ReadFolder,
                            .table_name = TableName};

}  // namespace synth
