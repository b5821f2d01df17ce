#include "server/base/memory_limit.h"

#include <string>

#include "absl/strings/numbers.h"
#include "server/base/cgroup.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

// v1 has no word for "none": it says the largest multiple of the page size that fits in 63 bits,
// and no machine has 2^60 bytes.
constexpr std::int64_t kUnlimited = std::int64_t{1} << 60;

// v2 says "max" for "none", which is no number.
std::optional<double> LimitIn(const fs::path& file) {
  const std::optional<std::string> line = ReadGroupLine(file);
  std::int64_t bytes = 0;
  if (!line || !absl::SimpleAtoi(*line, &bytes)) return std::nullopt;
  if (bytes < 0 || bytes >= kUnlimited) return std::nullopt;
  return static_cast<double>(bytes);
}

}  // namespace

std::optional<std::int64_t> ReadMemoryLimit(const fs::path& root) {
  const std::optional<double> bytes = SmallestLimit(
      root, "memory",
      [](const fs::path& group) { return LimitIn(group / "memory.limit_in_bytes"); },
      [](const fs::path& group) { return LimitIn(group / "memory.max"); });
  if (!bytes) return std::nullopt;
  return static_cast<std::int64_t>(*bytes);
}

}  // namespace synth::server
