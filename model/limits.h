#ifndef SYNTH_MODEL_LIMITS_H_
#define SYNTH_MODEL_LIMITS_H_

#include "absl/status/status.h"
#include "synth/config.h"
#include "synth/precision.h"

namespace synth {

// Whether a valid config can be computed in this precision. INVALID_ARGUMENT names the key.
absl::Status CheckLimits(const ModelConfig& config, Precision precision);

}  // namespace synth

#endif  // SYNTH_MODEL_LIMITS_H_
