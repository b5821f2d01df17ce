#include "server/base/out_of_memory.h"

#include <atomic>
#include <exception>
#include <optional>

#include "server/base/log_limit.h"
#include "server/base/logging.h"

namespace synth::server {
namespace {

std::atomic<std::int64_t> out_of_memory_count = 0;

LogLimit<std::string_view>& Limit() {
  static LogLimit<std::string_view> limit;
  return limit;
}

}  // namespace

absl::Status OutOfMemory(std::string_view where) noexcept {
  ++out_of_memory_count;
  try {
    if (const std::optional<std::int64_t> count = Limit().Count(where)) {
      Log(spdlog::level::err, "out_of_memory", {{"where", where}, {"count", *count}});
    }
    return absl::ResourceExhaustedError("the server is out of memory");
  } catch (const std::exception&) {
    // A status without a message takes no memory.
    return {absl::StatusCode::kResourceExhausted, ""};
  }
}

std::int64_t OutOfMemoryCount() { return out_of_memory_count; }

}  // namespace synth::server
