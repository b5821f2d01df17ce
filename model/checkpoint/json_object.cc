#include "model/checkpoint/json_object.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json.h"
#include "model/strings.h"

namespace synth {

using nlohmann::json;

absl::Status KeyError(std::string_view key, std::string_view expected, const json* found) {
  return absl::InvalidArgumentError(Cat(key, ": expected ", expected, ", found ",
                                        found == nullptr ? "nothing" : Excerpt(*found)));
}

const json* Find(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

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

absl::StatusOr<int> ReadInt(const JsonObject& object, std::string_view key, int min, int max) {
  return ReadInt(Find(object.value, key), object.Path(key), min, max);
}

absl::StatusOr<std::string> ReadString(const JsonObject& object, std::string_view key) {
  const json* const value = Find(object.value, key);
  if (value == nullptr || !value->is_string()) {
    return KeyError(object.Path(key), "a string", value);
  }
  return value->get<std::string>();
}

absl::StatusOr<float> ReadFloat(const JsonObject& object, std::string_view key) {
  const json* const value = Find(object.value, key);
  if (value != nullptr && value->is_number()) {
    constexpr auto kMaxFloat = static_cast<double>(std::numeric_limits<float>::max());
    const double number = value->get<double>();
    if (std::abs(number) <= kMaxFloat) return static_cast<float>(number);
  }
  return KeyError(object.Path(key), "a number", value);
}

absl::StatusOr<bool> ReadBool(const JsonObject& object, std::string_view key) {
  const json* const value = Find(object.value, key);
  if (value == nullptr || !value->is_boolean()) {
    return KeyError(object.Path(key), "true or false", value);
  }
  return value->get<bool>();
}

}  // namespace synth
