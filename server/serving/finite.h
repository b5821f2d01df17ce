#ifndef SYNTH_SERVER_SERVING_FINITE_H_
#define SYNTH_SERVER_SERVING_FINITE_H_

#include <span>

#include "absl/status/status.h"
#include "synth/postprocess.h"

namespace synth::server {

// INTERNAL if a value that the model gave is NaN or infinite.
inline absl::Status CheckFinite(std::span<const float> values) {
  if (AllFinite(values)) return absl::OkStatus();
  return absl::InternalError(
      "the model's output is not finite: its weights are too large for this text");
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_SERVING_FINITE_H_
