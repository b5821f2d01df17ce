#ifndef SYNTH_SERVER_RPC_REFUSAL_LOG_H_
#define SYNTH_SERVER_RPC_REFUSAL_LOG_H_

#include <grpcpp/support/status.h>

#include <string>
#include <utility>

#include "server/base/log_limit.h"

namespace synth::server {

// Logs calls that ended with an error: for each method and code the first one at once, then at most
// one line in ten seconds with the number since. An overload is a line, not a flood. Thread-safe.
class RefusalLog {
 public:
  void Record(const std::string& method, const grpc::Status& status);

 private:
  LogLimit<std::pair<std::string, int>> limit_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_REFUSAL_LOG_H_
