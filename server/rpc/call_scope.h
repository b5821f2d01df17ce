#ifndef SYNTH_SERVER_RPC_CALL_SCOPE_H_
#define SYNTH_SERVER_RPC_CALL_SCOPE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/observe/metrics.h"
#include "server/rpc/call_services.h"
#include "server/rpc/pending_responses.h"

namespace synth::server {

// What every call passes, from its arrival until gRPC is done with it: the gate, the counters, the
// log of refusals, and the watch over a response that the client does not take.
class CallScope {
 public:
  // `services`, `metrics` and `context` must outlive the scope.
  CallScope(CallServices& services, const MethodMetrics& metrics,
            grpc::CallbackServerContext& context);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  // False if the server drains and must refuse the call. Call it once.
  bool Enter();

  Duration elapsed() const { return Clock::now() - start_; }

  // The request was read whole.
  void OnRequest() const { metrics_.OnMessageReceived(); }

  // The request's message never arrived whole: the error to finish with. gRPC does not know yet
  // whether the client reset the call, so the call is counted at its end, CANCELLED if it did.
  absl::Status NoMessage();

  // Ends the call: counts it, leaves the gate, and returns the status to finish with. That is
  // RESOURCE_EXHAUSTED, and `response` is cleared, if too many bytes of other responses wait to be
  // read. Call it once, before gRPC is told, so that a client that sees the answer finds it
  // counted.
  grpc::Status Finish(grpc::Status status, grpc::ByteBuffer& response);

 private:
  void Count(const grpc::Status& status);
  void LeaveGate();

  CallServices& services_;
  const MethodMetrics& metrics_;
  grpc::CallbackServerContext& context_;
  const TimePoint start_ = Clock::now();
  bool is_in_gate_ = false;
  bool lacks_message_ = false;
  PendingResponses::Entry pending_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CALL_SCOPE_H_
