#ifndef SYNTH_TESTS_SERVER_MORE_MEMORY_H_
#define SYNTH_TESTS_SERVER_MORE_MEMORY_H_

#include <sys/resource.h>

#include <fstream>

namespace synth::server {

// While it lives, the process may take so many more bytes of address space.
class MoreMemory {
 public:
  explicit MoreMemory(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    constexpr rlim_t kPage = 4096;
    const rlimit limit = {.rlim_cur = pages * kPage + bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
  }
  ~MoreMemory() { setrlimit(RLIMIT_AS, &before_); }
  MoreMemory(const MoreMemory&) = delete;
  MoreMemory& operator=(const MoreMemory&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace synth::server

#endif  // SYNTH_TESTS_SERVER_MORE_MEMORY_H_
