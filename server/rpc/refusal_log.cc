#include "server/rpc/refusal_log.h"

#include "server/base/logging.h"

namespace synth::server {

void RefusalLog::Record(const std::string& method, const grpc::Status& status) {
  std::int64_t count = 0;
  {
    const MutexLock lock(mutex_);
    const TimePoint now = Clock::now();
    const auto [entry, is_new] = classes_.try_emplace({method, status.error_code()});
    Class& refusals = entry->second;
    ++refusals.since;
    if (!is_new && now - refusals.last_logged < kInterval) return;
    refusals.last_logged = now;
    count = std::exchange(refusals.since, 0);
  }
  Log(spdlog::level::warn, "calls_refused",
      {{"method", method},
       {"code", static_cast<int>(status.error_code())},
       {"count", count},
       {"latest", status.error_message()}});
}

}  // namespace synth::server
