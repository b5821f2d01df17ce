#ifndef SYNTH_SERVER_BASE_CGROUP_H_
#define SYNTH_SERVER_BASE_CGROUP_H_

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace synth::server {

// Reads one limit out of a control group's folder; nothing if the group sets none. The unit is the
// caller's.
using ReadGroup = std::function<std::optional<double>(const std::filesystem::path& group)>;

// The smallest limit among the control groups of the calling process: v1 and v2, every level up to
// the root of the mount. `controller` is the name of the v1 hierarchy. Nothing if no group sets a
// limit or the files cannot be read. `root` stands for "/", for tests.
std::optional<double> SmallestLimit(const std::filesystem::path& root, std::string_view controller,
                                    const ReadGroup& v1, const ReadGroup& v2);

// The first line of a file of a control group, which often holds just one; nothing if there is
// none.
std::optional<std::string> ReadGroupLine(const std::filesystem::path& file);

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_CGROUP_H_
