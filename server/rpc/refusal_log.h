#ifndef SYNTH_SERVER_RPC_REFUSAL_LOG_H_
#define SYNTH_SERVER_RPC_REFUSAL_LOG_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "server/base/mutex.h"
#include "server/scheduling/job.h"

namespace synth::server {

// Logs calls that ended with an error: for each method and code the first one at once, then at most
// one line in kInterval with the number since. An overload is a line, not a flood.
class RefusalLog {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(10);

  void Record(const std::string& method, const grpc::Status& status);

 private:
  struct Class {
    TimePoint last_logged;
    std::int64_t since = 0;
  };
  Mutex mutex_;
  std::map<std::pair<std::string, int>, Class> classes_ SYNTH_GUARDED_BY(mutex_);
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_REFUSAL_LOG_H_
