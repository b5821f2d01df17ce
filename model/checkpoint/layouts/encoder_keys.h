#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_ENCODER_KEYS_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_ENCODER_KEYS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json_object.h"
#include "synth/config.h"

namespace synth {

// The keys that more than one layout has, under the names of Hugging Face's BertConfig or others.

// What a layout calls the sizes.
struct SizeKeys {
  std::string_view hidden_size = "hidden_size";
  std::string_view num_hidden_layers = "num_hidden_layers";
  std::string_view num_attention_heads = "num_attention_heads";
  std::string_view intermediate_size = "intermediate_size";
};

// vocab_size to type_vocab_size. An absent type_vocab_size leaves what `config` has.
absl::Status ReadSizes(const JsonObject& file, ModelConfig& config);
// The same by other keys, and without type_vocab_size.
absl::Status ReadSizesAs(const JsonObject& file, const SizeKeys& keys, ModelConfig& config);

// hidden_act, or what a layout calls it, and layer_norm_eps. An absent layer_norm_eps leaves what
// `config` has.
absl::Status ReadActivation(const JsonObject& file, ModelConfig& config,
                            std::optional<Activation> fallback = std::nullopt,
                            std::string_view key = "hidden_act");
absl::Status ReadLayerNormEps(const JsonObject& file, ModelConfig& config);

// id2label, whose keys are "0" to "C-1".
absl::StatusOr<std::vector<std::string>> ReadLabels(const JsonObject& file);

absl::StatusOr<ProblemType> ReadProblemType(const JsonObject& file,
                                            std::optional<ProblemType> fallback = std::nullopt);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_ENCODER_KEYS_H_
