#ifndef SYNTH_SERVER_BASE_CPU_LIMIT_H_
#define SYNTH_SERVER_BASE_CPU_LIMIT_H_

#include <filesystem>

namespace synth::server {

// The CPUs this process may really use: the smaller of its affinity mask and its cgroup's quota (v1
// and v2, every level up to the root), which oneTBB 2021.8 and std::thread::hardware_concurrency
// overlook.
struct CpuLimit {
  int affinity = 1;  // CPUs in the affinity mask
  double quota = 0;  // CPUs of the cgroup quota; 0: none

  // Lanes that fit: the quota rounded down, since a lane that is throttled half of the time doubles
  // the latency of what it computes; at least 1.
  int lanes() const;
};

// Reads the limit of the calling process. `root` stands for "/", for tests.
CpuLimit ReadCpuLimit(const std::filesystem::path& root = "/");

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_CPU_LIMIT_H_
