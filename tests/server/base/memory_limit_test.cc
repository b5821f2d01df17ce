#include "server/base/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/files.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

// A make-believe root with the files of /proc and /sys/fs/cgroup.
class MemoryLimitTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    WriteFile(root_ / path, text + "\n");
  }

  const TempFolder folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(MemoryLimitTest, NoCgroupIsNoLimit) { EXPECT_EQ(ReadMemoryLimit(root_), std::nullopt); }

TEST_F(MemoryLimitTest, V2InsideAContainerWhereTheGroupIsTheMount) {
  Write("proc/self/cgroup", "0::/");
  Write("sys/fs/cgroup/memory.max", "268435456");
  EXPECT_EQ(ReadMemoryLimit(root_), 268435456);
}

TEST_F(MemoryLimitTest, V2TakesTheSmallestOnTheWayUp) {
  Write("proc/self/cgroup", "0::/pod/container");
  Write("sys/fs/cgroup/pod/container/memory.max", "max");
  Write("sys/fs/cgroup/pod/memory.max", "1000000");
  Write("sys/fs/cgroup/memory.max", "2000000");
  EXPECT_EQ(ReadMemoryLimit(root_), 1000000);
}

TEST_F(MemoryLimitTest, V2WithoutALimit) {
  Write("proc/self/cgroup", "0::/");
  Write("sys/fs/cgroup/memory.max", "max");
  EXPECT_EQ(ReadMemoryLimit(root_), std::nullopt);
}

TEST_F(MemoryLimitTest, V1) {
  Write("proc/self/cgroup", "7:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/");
  Write("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "536870912");
  Write("sys/fs/cgroup/cpu,cpuacct/docker/x/memory.limit_in_bytes", "1");
  EXPECT_EQ(ReadMemoryLimit(root_), 536870912);
}

TEST_F(MemoryLimitTest, V1SaysAHugeNumberForNone) {
  Write("proc/self/cgroup", "7:memory:/");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(ReadMemoryLimit(root_), std::nullopt);
}

TEST_F(MemoryLimitTest, NonsenseIsNoLimit) {
  Write("proc/self/cgroup", "0::/\nnonsense\n7:memory");
  Write("sys/fs/cgroup/memory.max", "a lot");
  EXPECT_EQ(ReadMemoryLimit(root_), std::nullopt);
}

}  // namespace
}  // namespace synth::server
