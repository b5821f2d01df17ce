#ifndef SYNTH_SERVER_BASE_MEMORY_LIMIT_H_
#define SYNTH_SERVER_BASE_MEMORY_LIMIT_H_

#include <cstdint>
#include <filesystem>
#include <optional>

namespace synth::server {

// The bytes that this process may take before the kernel ends it: the smallest limit of its control
// groups (v1 and v2, every level up to the root). Nothing if there is none. `root` stands for "/",
// for tests. May be called by any thread.
std::optional<std::int64_t> ReadMemoryLimit(const std::filesystem::path& root = "/");

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_MEMORY_LIMIT_H_
