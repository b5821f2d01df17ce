#include "server/base/cpu_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/files.h"

namespace synth::server {
namespace {

namespace fs = std::filesystem;

// A make-believe root with the files of /proc and /sys/fs/cgroup.
class CpuLimitTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    WriteFile(root_ / path, text + "\n");
  }
  double Quota() const { return ReadCpuLimit(root_).quota; }

  const TempFolder folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(CpuLimitTest, NoCgroupIsNoQuota) { EXPECT_EQ(Quota(), 0); }

TEST_F(CpuLimitTest, V2) {
  Write("proc/self/cgroup", "0::/pod/container");
  Write("sys/fs/cgroup/pod/container/cpu.max", "150000 100000");
  EXPECT_EQ(Quota(), 1.5);
}

TEST_F(CpuLimitTest, V2TakesTheSmallestOnTheWayUp) {
  Write("proc/self/cgroup", "0::/pod/container");
  Write("sys/fs/cgroup/pod/container/cpu.max", "max 100000");
  Write("sys/fs/cgroup/pod/cpu.max", "200000 100000");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuLimitTest, V2InsideAContainerWhereTheGroupIsTheMount) {
  Write("proc/self/cgroup", "0::/");
  Write("sys/fs/cgroup/cpu.max", "300000 100000");
  EXPECT_EQ(Quota(), 3);
}

TEST_F(CpuLimitTest, V2WithoutAQuota) {
  Write("proc/self/cgroup", "0::/");
  Write("sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(CpuLimitTest, V1) {
  Write("proc/self/cgroup", "7:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/");
  Write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "250000");
  Write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota(), 2.5);
}

TEST_F(CpuLimitTest, V1WithoutAQuota) {
  Write("proc/self/cgroup", "4:cpu:/");
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota(), 0);
}

TEST_F(CpuLimitTest, NonsenseIsNoQuota) {
  Write("proc/self/cgroup", "0::/\nnonsense\n4:cpu");
  Write("sys/fs/cgroup/cpu.max", "lots of it");
  EXPECT_EQ(Quota(), 0);
}

TEST(CpuLimitLanesTest, RoundsDownButNeverToZero) {
  EXPECT_EQ((CpuLimit{.affinity = 8, .quota = 0}).lanes(), 8);
  EXPECT_EQ((CpuLimit{.affinity = 8, .quota = 2.9}).lanes(), 2);
  EXPECT_EQ((CpuLimit{.affinity = 8, .quota = 0.5}).lanes(), 1);
  EXPECT_EQ((CpuLimit{.affinity = 2, .quota = 16}).lanes(), 2);
}

TEST(CpuLimitLanesTest, ThisMachineHasAtLeastOneCpu) { EXPECT_GE(ReadCpuLimit().lanes(), 1); }

}  // namespace
}  // namespace synth::server
