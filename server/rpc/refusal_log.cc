#include "server/rpc/refusal_log.h"

#include <cstdint>
#include <optional>

#include "server/base/logging.h"

namespace synth::server {

void RefusalLog::Record(const std::string& method, const grpc::Status& status) {
  const std::optional<std::int64_t> count = limit_.Count({method, status.error_code()});
  if (!count) return;
  Log(spdlog::level::warn, "calls_refused",
      {{"method", method},
       {"code", static_cast<int>(status.error_code())},
       {"count", *count},
       {"latest", status.error_message()}});
}

}  // namespace synth::server
