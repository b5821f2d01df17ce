#include "server/base/cgroup.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/strings/str_split.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

std::optional<double> Smaller(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The smallest limit from `mount / group` up to `mount`. Inside a container the group's path may
// not exist below the mount: the mount itself is then the container's group.
std::optional<double> SmallestUpTo(const fs::path& mount, const fs::path& group,
                                   const ReadGroup& read) {
  std::optional<double> smallest;
  fs::path path = (mount / group.relative_path()).lexically_normal();
  while (true) {
    smallest = Smaller(smallest, read(path));
    if (path == mount || !path.has_parent_path() || path == path.parent_path()) return smallest;
    path = path.parent_path();
  }
}

}  // namespace

std::optional<double> SmallestLimit(const fs::path& root, std::string_view controller,
                                    const ReadGroup& v1, const ReadGroup& v2) {
  const fs::path mounts = (root / "sys/fs/cgroup").lexically_normal();
  std::ifstream groups(root / "proc/self/cgroup");
  std::optional<double> smallest;
  // A line is "hierarchy:controllers:path"; v2 is hierarchy 0 without controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    std::vector<fs::path> places;
    const bool is_v2 = parts[1].empty();
    if (is_v2) {
      places = {mounts, mounts / "unified"};  // "unified" is where hybrid systems mount v2
    } else {
      const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
      if (std::ranges::find(controllers, controller) == controllers.end()) continue;
      places = {mounts / controller, mounts / parts[1]};
    }
    std::optional<double> limit;
    for (const fs::path& mount : places) {
      if (!limit) limit = SmallestUpTo(mount, parts[2], is_v2 ? v2 : v1);
    }
    smallest = Smaller(smallest, limit);
  }
  return smallest;
}

std::optional<std::string> ReadGroupLine(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  return line;
}

}  // namespace synth::server
