#include "synth/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "model/checkpoint/json.h"
#include "model/strings.h"

namespace synth {
namespace {

using nlohmann::json;

// Far above any encoder; they keep every product of two sizes inside 64 bits, and one spec for all
// layers from growing into a list that fills the memory.
constexpr int kMaxSize = 1 << 24;
constexpr int kMaxLayers = 1024;
constexpr std::size_t kMaxParts = 64;

absl::Status KeyError(std::string_view key, std::string_view expected, const json* found) {
  return absl::InvalidArgumentError(Cat(key, ": expected ", expected, ", found ",
                                        found == nullptr ? "nothing" : Excerpt(*found)));
}

// The value of a key; null where it is absent or null, as Hugging Face writes what is not set.
const json* Find(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// An object of the file and the place where it stands, for error messages.
struct Object {
  const json& value;
  std::string where;  // "" for the whole file, else such as "attention[2]"

  std::string Path(std::string_view key) const {
    return where.empty() ? std::string(key) : Cat(where, ".", key);
  }
};

absl::StatusOr<int> ReadInt(const json* value, std::string_view path, int min, int max) {
  if (value != nullptr && value->is_number_integer()) {
    // A number above 2^63 - 1 is held unsigned and would wrap.
    const bool fits = !value->is_number_unsigned() ||
                      value->get<std::uint64_t>() <=
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::int64_t number = fits ? value->get<std::int64_t>() : -1;
    if (number >= min && number <= max) return static_cast<int>(number);
  }
  return KeyError(path, Cat("an integer from ", min, " to ", max), value);
}

absl::StatusOr<int> ReadInt(const Object& object, std::string_view key, int min, int max) {
  return ReadInt(Find(object.value, key), object.Path(key), min, max);
}

absl::StatusOr<std::string> ReadString(const Object& object, std::string_view key) {
  const json* const value = Find(object.value, key);
  if (value == nullptr || !value->is_string()) {
    return KeyError(object.Path(key), "a string", value);
  }
  return value->get<std::string>();
}

absl::StatusOr<float> ReadFloat(const Object& object, std::string_view key) {
  const json* const value = Find(object.value, key);
  if (value != nullptr && value->is_number()) {
    constexpr auto kMaxFloat = static_cast<double>(std::numeric_limits<float>::max());
    const double number = value->get<double>();
    if (std::abs(number) <= kMaxFloat) return static_cast<float>(number);
  }
  return KeyError(object.Path(key), "a number", value);
}

template <typename Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

// A key whose value is one of a few names; `fallback` where it is absent.
template <typename Enum, std::size_t kCount>
absl::StatusOr<Enum> ReadChoice(const Object& object, std::string_view key,
                                const std::array<Choice<Enum>, kCount>& choices,
                                std::optional<Enum> fallback = std::nullopt) {
  const json* const value = Find(object.value, key);
  if (value == nullptr && fallback) return *fallback;
  if (value != nullptr && value->is_string()) {
    for (const auto& choice : choices) {
      if (value->get_ref<const std::string&>() == choice.name) return choice.value;
    }
  }
  const auto quote = [](std::string* out, const Choice<Enum>& choice) {
    *out += Cat("\"", choice.name, "\"");
  };
  return KeyError(object.Path(key), absl::StrJoin(choices, " or ", quote), value);
}

constexpr std::array kActivations = {Choice<Activation>{"relu", Activation::kRelu},
                                     Choice<Activation>{"gelu", Activation::kGelu},
                                     Choice<Activation>{"gelu_new", Activation::kGeluNew}};
constexpr std::array kNormPositions = {Choice<NormPosition>{"post", NormPosition::kPost},
                                       Choice<NormPosition>{"pre", NormPosition::kPre}};
constexpr std::array kPositionEmbeddings = {
    Choice<PositionEmbedding>{"absolute", PositionEmbedding::kAbsolute},
    Choice<PositionEmbedding>{"none", PositionEmbedding::kNone}};
constexpr std::array kPoolings = {Choice<Pooling>{"mean", Pooling::kMean},
                                  Choice<Pooling>{"cls", Pooling::kCls},
                                  Choice<Pooling>{"max", Pooling::kMax}};
constexpr std::array kProblemTypes = {
    Choice<ProblemType>{"single_label_classification", ProblemType::kSingleLabel},
    Choice<ProblemType>{"multi_label_classification", ProblemType::kMultiLabel}};
constexpr std::array kOutOfScopeScores = {
    Choice<OutOfScopeScore>{"max_probability", OutOfScopeScore::kMaxProbability},
    Choice<OutOfScopeScore>{"energy", OutOfScopeScore::kEnergy}};

// --- Attention specs ---

enum class SourceType {
  kDotProduct,
  kDense,
  kFactorizedDense,
  kRandom,
  kFactorizedRandom,
  kMixture
};
constexpr std::array kSourceTypes = {
    Choice<SourceType>{"dot_product", SourceType::kDotProduct},
    Choice<SourceType>{"dense", SourceType::kDense},
    Choice<SourceType>{"factorized_dense", SourceType::kFactorizedDense},
    Choice<SourceType>{"random", SourceType::kRandom},
    Choice<SourceType>{"factorized_random", SourceType::kFactorizedRandom},
    Choice<SourceType>{"mixture", SourceType::kMixture}};

absl::StatusOr<SourceSpec> ReadFactorizedDense(const Object& spec, int max_length) {
  const json* const factors = Find(spec.value, "factors");
  const std::string path = spec.Path("factors");
  if (factors == nullptr || !factors->is_array() || factors->size() != 2) {
    return KeyError(path, "two positive integers [a, b]", factors);
  }
  const auto a = ReadInt(&(*factors)[0], Cat(path, "[0]"), 1, kMaxSize);
  if (!a.ok()) return a.status();
  const auto b = ReadInt(&(*factors)[1], Cat(path, "[1]"), 1, kMaxSize);
  if (!b.ok()) return b.status();
  if (std::int64_t{*a} * *b != max_length) {
    return KeyError(path, Cat("[a, b] with a * b = max_position_embeddings = ", max_length),
                    factors);
  }
  return FactorizedDenseSpec{*a, *b};
}

absl::StatusOr<SourceSpec> ReadRandom(const Object& spec) {
  const json* const trainable = Find(spec.value, "trainable");
  if (trainable == nullptr || !trainable->is_boolean()) {
    return KeyError(spec.Path("trainable"), "true or false", trainable);
  }
  return RandomSpec{trainable->get<bool>()};
}

absl::StatusOr<SourceSpec> ReadFactorizedRandom(const Object& spec) {
  const auto k = ReadInt(spec, "k", 1, kMaxSize);
  if (!k.ok()) return k.status();
  return FactorizedRandomSpec{*k};
}

absl::StatusOr<AttentionSpec> ReadMixture(const Object& spec, int max_length);

absl::StatusOr<AttentionSpec> Widen(absl::StatusOr<SourceSpec> spec) {
  if (!spec.ok()) return spec.status();
  return std::visit([](const auto& source) { return AttentionSpec(source); }, *spec);
}

absl::StatusOr<AttentionSpec> ReadSpec(const json& value, const std::string& where,
                                       int max_length) {
  if (!value.is_object()) return KeyError(where, "an object", &value);
  const Object spec{value, where};
  const auto type = ReadChoice(spec, "type", kSourceTypes);
  if (!type.ok()) return type.status();
  switch (*type) {
    case SourceType::kDotProduct:
      return DotProductSpec{};
    case SourceType::kDense:
      return DenseSpec{};
    case SourceType::kFactorizedDense:
      return Widen(ReadFactorizedDense(spec, max_length));
    case SourceType::kRandom:
      return Widen(ReadRandom(spec));
    case SourceType::kFactorizedRandom:
      return Widen(ReadFactorizedRandom(spec));
    case SourceType::kMixture:
      return ReadMixture(spec, max_length);
  }
  return absl::InternalError("unreachable");
}

absl::StatusOr<AttentionSpec> ReadMixture(const Object& spec, int max_length) {
  const json* const parts = Find(spec.value, "parts");
  if (parts == nullptr || !parts->is_array() || parts->size() < 2 || parts->size() > kMaxParts) {
    return KeyError(spec.Path("parts"), Cat("an array of 2 to ", kMaxParts, " specs"), parts);
  }
  MixtureSpec mixture;
  for (std::size_t m = 0; m < parts->size(); ++m) {
    const std::string where = Cat(spec.Path("parts"), "[", m, "]");
    auto part = ReadSpec((*parts)[m], where, max_length);
    if (!part.ok()) return part.status();
    if (std::holds_alternative<MixtureSpec>(*part)) {
      return KeyError(where, "a spec that is not itself a mixture", &(*parts)[m]);
    }
    std::visit(
        [&mixture](const auto& source) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(source)>, MixtureSpec>) {
            mixture.parts.emplace_back(source);
          }
        },
        *part);
  }
  return mixture;
}

absl::Status ReadAttention(const Object& file, ModelConfig& config) {
  const json* const value = Find(file.value, "attention");
  const auto layers = static_cast<std::size_t>(config.num_hidden_layers);
  if (value == nullptr || !(value->is_object() || value->is_array())) {
    return KeyError("attention", "a spec or an array of specs", value);
  }
  if (value->is_object()) {
    const auto spec = ReadSpec(*value, "attention", config.max_position_embeddings);
    if (!spec.ok()) return spec.status();
    config.attention.assign(layers, *spec);
    return absl::OkStatus();
  }
  if (value->size() != layers) {
    return absl::InvalidArgumentError(
        Cat("attention: expected num_hidden_layers = ", layers, " specs, found ", value->size()));
  }
  for (std::size_t i = 0; i < layers; ++i) {
    auto spec = ReadSpec((*value)[i], Cat("attention[", i, "]"), config.max_position_embeddings);
    if (!spec.ok()) return spec.status();
    config.attention.push_back(*std::move(spec));
  }
  return absl::OkStatus();
}

// --- The other keys ---

absl::Status ReadSizes(const Object& file, ModelConfig& config) {
  struct Size {
    std::string_view key;
    int* into;
    int min;
    int max;
  };
  const std::array sizes = {
      Size{"vocab_size", &config.vocab_size, 1, kMaxSize},
      Size{"hidden_size", &config.hidden_size, 1, kMaxSize},
      Size{"num_hidden_layers", &config.num_hidden_layers, 1, kMaxLayers},
      Size{"num_attention_heads", &config.num_attention_heads, 1, kMaxSize},
      Size{"intermediate_size", &config.intermediate_size, 1, kMaxSize},
      Size{"max_position_embeddings", &config.max_position_embeddings, 1, kMaxSize},
      Size{"type_vocab_size", &config.type_vocab_size, 0, kMaxSize},
  };
  for (const Size& size : sizes) {
    if (size.min == 0 && Find(file.value, size.key) == nullptr) continue;
    const auto number = ReadInt(file, size.key, size.min, size.max);
    if (!number.ok()) return number.status();
    *size.into = *number;
  }
  if (config.hidden_size % config.num_attention_heads != 0) {
    return KeyError("num_attention_heads", Cat("a divisor of hidden_size = ", config.hidden_size),
                    Find(file.value, "num_attention_heads"));
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status Store(const absl::StatusOr<T>& value, T& into) {
  if (value.ok()) into = *value;
  return value.status();
}

absl::Status ReadChoices(const Object& file, ModelConfig& config) {
  absl::Status status = Store(ReadChoice(file, "hidden_act", kActivations), config.hidden_act);
  status.Update(Store(ReadChoice(file, "norm_position", kNormPositions, {NormPosition::kPost}),
                      config.norm_position));
  status.Update(Store(ReadChoice(file, "position_embedding_type", kPositionEmbeddings,
                                 {PositionEmbedding::kAbsolute}),
                      config.position_embedding));
  status.Update(Store(ReadChoice(file, "pooling", kPoolings, {Pooling::kMean}), config.pooling));
  return status;
}

absl::Status ReadLayerNormEps(const Object& file, ModelConfig& config) {
  const json* const value = Find(file.value, "layer_norm_eps");
  if (value == nullptr) return absl::OkStatus();
  const auto eps = ReadFloat(file, "layer_norm_eps");
  if (!eps.ok() || *eps <= 0) {
    return KeyError("layer_norm_eps", "a number above 0 (as a 32-bit float)", value);
  }
  config.layer_norm_eps = *eps;
  return absl::OkStatus();
}

absl::Status ReadClassifier(const Object& file, ModelConfig& config) {
  const json* const labels = Find(file.value, "id2label");
  if (labels == nullptr) {
    if (const json* const type = Find(file.value, "problem_type")) {
      return KeyError("problem_type", "nothing, as there is no id2label", type);
    }
    return absl::OkStatus();
  }
  if (!labels->is_object() || labels->empty()) {
    return KeyError("id2label", R"(an object with the keys "0" to "C-1")", labels);
  }
  ClassifierConfig classifier;
  for (std::size_t i = 0; i < labels->size(); ++i) {
    const auto label = ReadString({*labels, "id2label"}, Cat(i));
    if (!label.ok()) return label.status();
    classifier.labels.push_back(*label);
  }
  const auto type = ReadChoice(file, "problem_type", kProblemTypes);
  if (!type.ok()) return type.status();
  classifier.problem_type = *type;
  config.classifier = std::move(classifier);
  return absl::OkStatus();
}

// A name that stays in the checkpoint's folder and stands in a line of sha256sum as it is.
bool IsPlainFileName(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return std::ranges::none_of(
      name, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

absl::Status ReadToken(const Object& object, std::string_view key,
                       std::optional<std::string>& into) {
  if (Find(object.value, key) == nullptr) return absl::OkStatus();
  const auto token = ReadString(object, key);
  if (!token.ok()) return token.status();
  into = *token;
  return absl::OkStatus();
}

absl::Status ReadTokenizer(const Object& file, ModelConfig& config) {
  const json* const value = Find(file.value, "tokenizer");
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_object()) return KeyError("tokenizer", "an object", value);
  const Object object{*value, "tokenizer"};
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

absl::Status ReadOutOfScope(const Object& file, ModelConfig& config) {
  const json* const value = Find(file.value, "out_of_scope");
  if (value == nullptr) return absl::OkStatus();
  if (!value->is_object()) return KeyError("out_of_scope", "an object", value);
  if (!config.classifier) {
    return KeyError("out_of_scope", "nothing, as there is no id2label", value);
  }
  const Object object{*value, "out_of_scope"};
  const auto score = ReadChoice(object, "score", kOutOfScopeScores);
  if (!score.ok()) return score.status();
  const auto threshold = ReadFloat(object, "threshold");
  if (!threshold.ok()) return threshold.status();
  config.out_of_scope = OutOfScopeConfig{*score, *threshold};
  return absl::OkStatus();
}

}  // namespace

std::string_view ToString(Pooling pooling) {
  for (const auto& choice : kPoolings) {
    if (choice.value == pooling) return choice.name;
  }
  return "";
}

absl::StatusOr<ModelConfig> ParseConfig(std::string_view text) {
  const auto value = ParseJson(text);
  if (!value.ok()) return value.status();
  if (!value->is_object()) {
    return absl::InvalidArgumentError(Cat("expected a JSON object, found ", Excerpt(*value)));
  }
  const Object file{*value, ""};
  constexpr std::array kModelTypes = {Choice<bool>{"synthesizer", true}};
  if (const auto type = ReadChoice(file, "model_type", kModelTypes); !type.ok())
    return type.status();

  ModelConfig config;
  for (const auto read : {ReadSizes, ReadChoices, ReadLayerNormEps, ReadAttention, ReadClassifier,
                          ReadTokenizer, ReadOutOfScope}) {
    if (absl::Status status = read(file, config); !status.ok()) return status;
  }
  return config;
}

}  // namespace synth
