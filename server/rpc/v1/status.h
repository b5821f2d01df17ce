#ifndef SYNTH_SERVER_RPC_V1_STATUS_H_
#define SYNTH_SERVER_RPC_V1_STATUS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// The one place where the engine's statuses become gRPC's. The codes are the same numbers.
static_assert(static_cast<int>(absl::StatusCode::kOk) == static_cast<int>(grpc::StatusCode::OK));
static_assert(static_cast<int>(absl::StatusCode::kCancelled) ==
              static_cast<int>(grpc::StatusCode::CANCELLED));
static_assert(static_cast<int>(absl::StatusCode::kInvalidArgument) ==
              static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
static_assert(static_cast<int>(absl::StatusCode::kDeadlineExceeded) ==
              static_cast<int>(grpc::StatusCode::DEADLINE_EXCEEDED));
static_assert(static_cast<int>(absl::StatusCode::kResourceExhausted) ==
              static_cast<int>(grpc::StatusCode::RESOURCE_EXHAUSTED));
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              static_cast<int>(grpc::StatusCode::UNAUTHENTICATED));

inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message())};
}

// `status` must be an error.
inline void ToItemStatus(const absl::Status& status, v1::ItemStatus& item) {
  item.set_code(static_cast<int>(status.code()));
  item.set_message(std::string(status.message()));
}

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_STATUS_H_
