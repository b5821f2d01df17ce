#ifndef SYNTH_SERVER_RPC_V1_GET_MODEL_H_
#define SYNTH_SERVER_RPC_V1_GET_MODEL_H_

#include "absl/status/status.h"
#include "server/rpc/call_services.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// Answers GetModel. NOT_FOUND where no such model is loaded.
absl::Status GetModel(const CallServices& services, const v1::GetModelRequest& request,
                      v1::GetModelResponse& response);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_GET_MODEL_H_
