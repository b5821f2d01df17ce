#ifndef SYNTH_MODEL_CHECKPOINT_JSON_OBJECT_H_
#define SYNTH_MODEL_CHECKPOINT_JSON_OBJECT_H_

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "model/strings.h"

namespace synth {

// Reads a JSON object of a checkpoint key by key. Every error is INVALID_ARGUMENT and says which
// key, what was expected and what was found.

// Far above any encoder. Sizes up to it keep every product of two of them inside 64 bits.
inline constexpr int kMaxSize = 1 << 24;

// An object of a file and the place where it stands, for error messages.
struct JsonObject {
  const nlohmann::json& value;
  std::string where;  // "" for the whole file, else such as "attention[2]"

  std::string Path(std::string_view key) const {
    return where.empty() ? std::string(key) : Cat(where, ".", key);
  }
};

// "key: expected ..., found ..."; a null pointer was not found.
absl::Status KeyError(std::string_view key, std::string_view expected, const nlohmann::json* found);

// The value of a key; null where it is absent or null, as Hugging Face writes what is not set.
const nlohmann::json* Find(const nlohmann::json& object, std::string_view key);

// An integer in [min, max].
absl::StatusOr<int> ReadInt(const nlohmann::json* value, std::string_view path, int min, int max);
absl::StatusOr<int> ReadInt(const JsonObject& object, std::string_view key, int min, int max);

absl::StatusOr<std::string> ReadString(const JsonObject& object, std::string_view key);
// A number that is finite as a 32-bit float.
absl::StatusOr<float> ReadFloat(const JsonObject& object, std::string_view key);
absl::StatusOr<bool> ReadBool(const JsonObject& object, std::string_view key);

template <typename Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

// A key whose value is one of a few names; `fallback` where it is absent.
template <typename Enum, std::size_t kCount>
absl::StatusOr<Enum> ReadChoice(const JsonObject& object, std::string_view key,
                                const std::array<Choice<Enum>, kCount>& choices,
                                std::optional<Enum> fallback = std::nullopt) {
  const nlohmann::json* const value = Find(object.value, key);
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

// Puts a value that was read where it belongs; gives the error of one that was not.
template <typename T>
absl::Status Store(const absl::StatusOr<T>& value, T& into) {
  if (value.ok()) into = *value;
  return value.status();
}

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_JSON_OBJECT_H_
