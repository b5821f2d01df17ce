#ifndef SYNTH_SERVER_BASE_FREE_MEMORY_H_
#define SYNTH_SERVER_BASE_FREE_MEMORY_H_

#include <cstdint>

namespace synth::server {

// Fixes the thresholds of glibc's allocator at `bytes`: what is larger is mapped alone and unmapped
// when it is freed, and an arena keeps at most so much at its end. By itself glibc raises both to
// 32 MiB and more once a large block was freed, for each arena, and malloc_trim does not shorten
// the arenas of threads. Call it at the start.
void FixAllocatorThresholds(int bytes);

// Gives memory that the program has freed back to the system. glibc does so by itself only for what
// lies at the end of a heap, so that the memory of one busy minute could stay resident for ever.
class FreeMemory {
 public:
  // Keeps about `kept` bytes for what comes next.
  explicit FreeMemory(std::int64_t kept) : kept_(kept) {}

  // Looks in a few microseconds, and gives back if there is more than `kept`. That takes
  // milliseconds, in which threads that allocate may wait. One thread at a time.
  void Return();

 private:
  const std::int64_t kept_;
  // Resident bytes after the last return: the allocator still counts as free what it gave back.
  std::int64_t least_resident_ = 0;
};

// Bytes of this process that are in memory now; 0 if the system does not say.
std::int64_t ResidentBytes();

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_FREE_MEMORY_H_
