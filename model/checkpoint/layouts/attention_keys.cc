#include "model/checkpoint/layouts/attention_keys.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json_object.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

using nlohmann::json;

// Keeps one spec for all layers from growing into a list that fills the memory.
constexpr std::size_t kMaxParts = 64;

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

absl::StatusOr<SourceSpec> ReadFactorizedDense(const JsonObject& spec, int max_length) {
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

absl::StatusOr<SourceSpec> ReadRandom(const JsonObject& spec) {
  const auto trainable = ReadBool(spec, "trainable");
  if (!trainable.ok()) return trainable.status();
  return RandomSpec{*trainable};
}

absl::StatusOr<SourceSpec> ReadFactorizedRandom(const JsonObject& spec) {
  const auto k = ReadInt(spec, "k", 1, kMaxSize);
  if (!k.ok()) return k.status();
  return FactorizedRandomSpec{*k};
}

absl::StatusOr<AttentionSpec> ReadMixture(const JsonObject& spec, int max_length);

absl::StatusOr<AttentionSpec> Widen(absl::StatusOr<SourceSpec> spec) {
  if (!spec.ok()) return spec.status();
  return std::visit([](const auto& source) { return AttentionSpec(source); }, *spec);
}

absl::StatusOr<AttentionSpec> ReadSpec(const json& value, const std::string& where,
                                       int max_length) {
  if (!value.is_object()) return KeyError(where, "an object", &value);
  const JsonObject spec{value, where};
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

absl::StatusOr<AttentionSpec> ReadMixture(const JsonObject& spec, int max_length) {
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

}  // namespace

absl::Status ReadAttention(const JsonObject& file, ModelConfig& config) {
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

}  // namespace synth
