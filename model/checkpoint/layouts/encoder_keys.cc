#include "model/checkpoint/layouts/encoder_keys.h"

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json_object.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr int kMaxLayers = 1024;

// "gelu_pytorch_tanh" is PyTorch's own form of the formula that "gelu_new" spells out. "swish" is
// the older name of "silu".
constexpr std::array kActivations = {Choice<Activation>{"relu", Activation::kRelu},
                                     Choice<Activation>{"gelu", Activation::kGelu},
                                     Choice<Activation>{"gelu_new", Activation::kGeluNew},
                                     Choice<Activation>{"gelu_pytorch_tanh", Activation::kGeluNew},
                                     Choice<Activation>{"silu", Activation::kSilu},
                                     Choice<Activation>{"swish", Activation::kSilu}};
constexpr std::array kProblemTypes = {
    Choice<ProblemType>{"single_label_classification", ProblemType::kSingleLabel},
    Choice<ProblemType>{"multi_label_classification", ProblemType::kMultiLabel},
    Choice<ProblemType>{"regression", ProblemType::kRegression}};

}  // namespace

absl::Status ReadSizesAs(const JsonObject& file, const SizeKeys& keys, ModelConfig& config) {
  struct Size {
    std::string_view key;
    int* into;
    int max;
  };
  const std::array sizes = {
      Size{"vocab_size", &config.vocab_size, kMaxSize},
      Size{keys.hidden_size, &config.hidden_size, kMaxSize},
      Size{keys.num_hidden_layers, &config.num_hidden_layers, kMaxLayers},
      Size{keys.num_attention_heads, &config.num_attention_heads, kMaxSize},
      Size{keys.intermediate_size, &config.intermediate_size, kMaxSize},
      Size{"max_position_embeddings", &config.max_position_embeddings, kMaxSize},
  };
  for (const Size& size : sizes) {
    const auto number = ReadInt(file, size.key, 1, size.max);
    if (!number.ok()) return number.status();
    *size.into = *number;
  }
  if (config.hidden_size % config.num_attention_heads != 0) {
    return KeyError(keys.num_attention_heads,
                    Cat("a divisor of ", keys.hidden_size, " = ", config.hidden_size),
                    Find(file.value, keys.num_attention_heads));
  }
  return absl::OkStatus();
}

absl::Status ReadSizes(const JsonObject& file, ModelConfig& config) {
  absl::Status status = ReadSizesAs(file, {}, config);
  if (!status.ok() || Find(file.value, "type_vocab_size") == nullptr) return status;
  return Store(ReadInt(file, "type_vocab_size", 0, kMaxSize), config.type_vocab_size);
}

absl::Status ReadActivation(const JsonObject& file, ModelConfig& config,
                            std::optional<Activation> fallback, std::string_view key) {
  return Store(ReadChoice(file, key, kActivations, fallback), config.hidden_act);
}

absl::Status ReadLayerNormEps(const JsonObject& file, ModelConfig& config) {
  const json* const value = Find(file.value, "layer_norm_eps");
  if (value == nullptr) return absl::OkStatus();
  const auto eps = ReadFloat(file, "layer_norm_eps");
  if (!eps.ok() || *eps <= 0) {
    return KeyError("layer_norm_eps", "a number above 0 (as a 32-bit float)", value);
  }
  config.layer_norm_eps = *eps;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const JsonObject& file) {
  const json* const value = Find(file.value, "id2label");
  if (value == nullptr || !value->is_object() || value->empty()) {
    return KeyError("id2label", R"(an object with the keys "0" to "C-1")", value);
  }
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < value->size(); ++i) {
    const auto label = ReadString({*value, "id2label"}, Cat(i));
    if (!label.ok()) return label.status();
    labels.push_back(*label);
  }
  return labels;
}

absl::StatusOr<ProblemType> ReadProblemType(const JsonObject& file,
                                            std::optional<ProblemType> fallback) {
  return ReadChoice(file, "problem_type", kProblemTypes, fallback);
}

}  // namespace synth
