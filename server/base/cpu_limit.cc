#include "server/base/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "server/base/cgroup.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

std::optional<double> Ratio(const std::string& quota, const std::string& period) {
  double quota_us = 0;
  double period_us = 0;
  if (!absl::SimpleAtod(quota, &quota_us) || !absl::SimpleAtod(period, &period_us))
    return std::nullopt;
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;  // v1 says -1 for "none"
  return quota_us / period_us;
}

// v2: "max 100000" or "150000 100000".
std::optional<double> QuotaV2(const fs::path& group) {
  const std::optional<std::string> line = ReadGroupLine(group / "cpu.max");
  if (!line) return std::nullopt;
  const std::vector<std::string> words = absl::StrSplit(*line, ' ');
  return words.size() == 2 ? Ratio(words[0], words[1]) : std::nullopt;
}

std::optional<double> QuotaV1(const fs::path& group) {
  const std::optional<std::string> quota = ReadGroupLine(group / "cpu.cfs_quota_us");
  const std::optional<std::string> period = ReadGroupLine(group / "cpu.cfs_period_us");
  return quota && period ? Ratio(*quota, *period) : std::nullopt;
}

int ReadAffinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines with more CPUs than the fixed-size set holds; 1024 lanes are enough there.
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return CPU_SETSIZE;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

int CpuLimit::lanes() const {
  if (quota == 0) return affinity;
  return std::clamp(static_cast<int>(quota), 1, affinity);
}

CpuLimit ReadCpuLimit(const fs::path& root) {
  return {.affinity = ReadAffinity(),
          .quota = SmallestLimit(root, "cpu", QuotaV1, QuotaV2).value_or(0)};
}

}  // namespace synth::server
