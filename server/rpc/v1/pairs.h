#ifndef SYNTH_SERVER_RPC_V1_PAIRS_H_
#define SYNTH_SERVER_RPC_V1_PAIRS_H_

#include "absl/status/status.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// Whether `model` takes pairs of texts, with this truncation.
absl::Status CheckPairs(v1::Truncation truncation, const Model& model);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_PAIRS_H_
