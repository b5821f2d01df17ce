#ifndef SYNTH_SERVER_RPC_CALL_REPORT_H_
#define SYNTH_SERVER_RPC_CALL_REPORT_H_

#include <grpcpp/support/status.h>

#include "server/observe/metrics.h"
#include "server/rpc/refusal_log.h"
#include "server/scheduling/job.h"

namespace synth::server {

// What the outside is told of one call: its metrics, and a log line for its kind of failure. Begins
// when the call arrives.
class CallReport {
 public:
  // Both must outlive the report.
  CallReport(const MethodMetrics& metrics, RefusalLog& refusals)
      : metrics_(metrics), refusals_(refusals) {
    metrics_.OnStarted();
  }

  Duration elapsed() const { return Clock::now() - start_; }

  // The request was read whole.
  void OnRequest() const { metrics_.OnMessageReceived(); }

  // The call ends. Once, before gRPC is told: whoever sees the answer finds it counted.
  void OnFinish(const grpc::Status& status) const {
    metrics_.OnHandled(status.error_code(), elapsed());
    if (status.ok()) {
      metrics_.OnMessageSent();
    } else {
      refusals_.Record(metrics_.method(), status);
    }
  }

 private:
  const MethodMetrics& metrics_;
  RefusalLog& refusals_;
  const TimePoint start_ = Clock::now();
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CALL_REPORT_H_
