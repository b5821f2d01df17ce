#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_TRANSFORMERS_KEYS_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_TRANSFORMERS_KEYS_H_

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json_object.h"
#include "synth/config.h"

namespace synth {

// What the layouts of Hugging Face's transformers have in common.

// A head that is not served leaves an encoder: kNone.
enum class Head { kNone, kSequenceClassifier };

// `architectures` is an array of one name, and absent where a config was written by hand.
template <std::size_t kCount>
absl::StatusOr<Head> ReadHead(const JsonObject& file,
                              const std::array<Choice<Head>, kCount>& architectures) {
  const nlohmann::json* const value = Find(file.value, "architectures");
  if (value == nullptr) return Head::kNone;
  if (!value->is_array() || value->size() != 1) {
    return KeyError("architectures", "an array of one name", value);
  }
  const nlohmann::json name = {{"architectures[0]", (*value)[0]}};
  return ReadChoice({name, ""}, "architectures[0]", architectures);
}

// Refuses keys that would make it another model than the one computed here: a decoder, pruned
// heads, positions that are not absolute, code or a format of its own.
absl::Status CheckPlain(const JsonObject& file);

// id2label and problem_type with transformers' defaults; the classifier reads the first token.
absl::Status ReadSequenceClassifier(const JsonObject& file, Pooler pooler, ModelConfig& config);

// `name` without `prefix`, if it begins with it: models with a head put the encoder below one.
std::string WithoutPrefix(std::string_view name, std::string_view prefix);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_TRANSFORMERS_KEYS_H_
