#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_ATTENTION_KEYS_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_ATTENTION_KEYS_H_

#include "absl/status/status.h"
#include "model/checkpoint/json_object.h"
#include "synth/config.h"

namespace synth {

// Reads the key `attention`: one spec for all layers or one for each (docs/checkpoint.md). The
// sizes of `config` must have been read.
absl::Status ReadAttention(const JsonObject& file, ModelConfig& config);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_ATTENTION_KEYS_H_
