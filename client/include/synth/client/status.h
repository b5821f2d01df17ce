// From the statuses of gRPC and of the API to absl::Status. The only place where that happens.
#ifndef SYNTH_CLIENT_STATUS_H_
#define SYNTH_CLIENT_STATUS_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "synth/v1/inference.pb.h"

namespace synth::client {

// The status of a finished call: the same code and message, and the server's retry hint (the
// trailer "grpc-retry-pushback-ms") where it sent one. `context` must be that of the call, which
// has ended.
absl::Status ToAbslStatus(const grpc::Status& status, const grpc::ClientContext& context);

// The same for a status without a call: no retry hint. A code outside google.rpc.Code becomes
// UNKNOWN.
absl::Status ToAbslStatus(const grpc::Status& status);

// What was wrong with one text. A code that is no error (0, or outside google.rpc.Code) becomes
// UNKNOWN.
absl::Status ToAbslStatus(const v1::ItemStatus& status);

// How long the server asks to wait before the call is tried again; nothing if it did not say, or if
// it asks not to try again (a negative hint).
std::optional<std::chrono::milliseconds> RetryAfter(const absl::Status& status);

}  // namespace synth::client

#endif  // SYNTH_CLIENT_STATUS_H_
