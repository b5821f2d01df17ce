#include "server/base/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> ReadLine(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

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
  const std::optional<std::string> line = ReadLine(group / "cpu.max");
  if (!line) return std::nullopt;
  const std::vector<std::string> words = absl::StrSplit(*line, ' ');
  return words.size() == 2 ? Ratio(words[0], words[1]) : std::nullopt;
}

std::optional<double> QuotaV1(const fs::path& group) {
  const std::optional<std::string> quota = ReadLine(group / "cpu.cfs_quota_us");
  const std::optional<std::string> period = ReadLine(group / "cpu.cfs_period_us");
  return quota && period ? Ratio(*quota, *period) : std::nullopt;
}

// The smallest quota from `mount / group` up to `mount`. Inside a container the group's path may
// not exist below the mount: the mount itself is then the container's group.
template <typename Quota>
double SmallestQuota(const fs::path& mount, const fs::path& group, Quota quota_of) {
  double smallest = 0;
  fs::path path = (mount / group.relative_path()).lexically_normal();
  while (true) {
    if (const std::optional<double> quota = quota_of(path)) {
      smallest = smallest == 0 ? *quota : std::min(smallest, *quota);
    }
    if (path == mount || !path.has_parent_path() || path == path.parent_path()) return smallest;
    path = path.parent_path();
  }
}

double ReadQuota(const fs::path& root) {
  const fs::path mounts = (root / "sys/fs/cgroup").lexically_normal();
  std::ifstream groups(root / "proc/self/cgroup");
  double smallest = 0;
  // A line is "hierarchy:controllers:path"; v2 is hierarchy 0 without controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    double quota = 0;
    if (parts[1].empty()) {
      // "unified" is where hybrid systems mount v2.
      for (const fs::path& mount : {mounts, mounts / "unified"}) {
        if (quota == 0) quota = SmallestQuota(mount, parts[2], QuotaV2);
      }
    } else {
      const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
      if (std::ranges::find(controllers, "cpu") == controllers.end()) continue;
      for (const fs::path& mount : {mounts / "cpu", mounts / parts[1]}) {
        if (quota == 0) quota = SmallestQuota(mount, parts[2], QuotaV1);
      }
    }
    if (quota > 0) smallest = smallest == 0 ? quota : std::min(smallest, quota);
  }
  return smallest;
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
  return {.affinity = ReadAffinity(), .quota = ReadQuota(root)};
}

}  // namespace synth::server
