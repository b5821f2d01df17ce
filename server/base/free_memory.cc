#include "server/base/free_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace synth::server {

std::int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  return statm >> total >> resident ? resident * sysconf(_SC_PAGESIZE) : 0;
}

void FixAllocatorThresholds(int bytes) {
  mallopt(M_MMAP_THRESHOLD, bytes);
  mallopt(M_TRIM_THRESHOLD, bytes);
}

void FreeMemory::Return() {
#ifdef __GLIBC__
  const std::int64_t resident = ResidentBytes();
  least_resident_ = std::min(least_resident_, resident);
  if (resident <= least_resident_ + kept_) return;
  if (static_cast<std::int64_t>(mallinfo2().fordblks) <= kept_) return;
  malloc_trim(0);
  least_resident_ = ResidentBytes();
#endif
}

}  // namespace synth::server
