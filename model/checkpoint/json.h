#ifndef SYNTH_MODEL_CHECKPOINT_JSON_H_
#define SYNTH_MODEL_CHECKPOINT_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace synth {

// Parses JSON from an untrusted file. INVALID_ARGUMENT for malformed JSON (says at which byte), for
// nesting deeper than 32 and for a key that an object has twice. Throws nothing.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text);

// `value` as JSON for an error message, shortened.
std::string Excerpt(const nlohmann::json& value);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_JSON_H_
