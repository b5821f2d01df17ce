#include "server/rpc/call_scope.h"

#include <utility>

namespace synth::server {
namespace {

constexpr const char* kNoMessage = "the request's body cannot be read";

}  // namespace

CallScope::CallScope(CallServices& services, const MethodMetrics& metrics,
                     grpc::CallbackServerContext& context)
    : services_(services), metrics_(metrics), context_(context) {
  metrics_.OnStarted();
  services_.streams.fetch_add(1, std::memory_order_relaxed);
}

CallScope::~CallScope() {
  if (lacks_message_) {
    Count(context_.IsCancelled() ? grpc::Status(grpc::StatusCode::CANCELLED, "the client went away")
                                 : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, kNoMessage));
  }
  services_.pending.Remove(pending_);
  LeaveGate();
  services_.streams.fetch_sub(1, std::memory_order_relaxed);
}

bool CallScope::Enter() {
  is_in_gate_ = services_.gate.Enter();
  return is_in_gate_;
}

grpc::Status CallScope::Finish(grpc::Status status, grpc::ByteBuffer& response) {
  if (!services_.pending.Add(pending_, response.Length(), context_)) {
    status = {grpc::StatusCode::RESOURCE_EXHAUSTED,
              "too many bytes of responses wait for clients to take them"};
    response.Clear();
  }
  if (!lacks_message_) Count(status);
  LeaveGate();
  return status;
}

absl::Status CallScope::NoMessage() {
  lacks_message_ = true;
  return absl::InvalidArgumentError(kNoMessage);
}

void CallScope::Count(const grpc::Status& status) {
  metrics_.OnHandled(static_cast<absl::StatusCode>(status.error_code()), elapsed());
  if (status.ok()) {
    metrics_.OnMessageSent();
  } else {
    services_.refusals.Record(metrics_.method(), status);
  }
}

void CallScope::LeaveGate() {
  if (std::exchange(is_in_gate_, false)) services_.gate.Leave();
}

}  // namespace synth::server
