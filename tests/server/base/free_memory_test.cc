#include "server/base/free_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace synth::server {
namespace {

TEST(FreeMemoryTest, WhatIsFreedBetweenBlocksInUseComesBack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has an allocator of its own";
#endif
  constexpr std::size_t kBlock = 1 << 16;
  constexpr std::size_t kBlocks = 1600;
  const std::int64_t before = ResidentBytes();
  ASSERT_GT(before, 0);
  std::vector<std::unique_ptr<char[]>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i)
    blocks.push_back(std::make_unique<char[]>(kBlock));  // zeroed, so resident
  // The last one stays in use, and holds what lies below it.
  for (std::size_t i = 0; i + 1 < kBlocks; ++i) blocks[i].reset();
  constexpr std::int64_t kSize = kBlock * kBlocks;
  EXPECT_GT(ResidentBytes() - before, kSize / 2);
  FreeMemory(2 * kSize + before).Return();
  EXPECT_GT(ResidentBytes() - before, kSize / 2) << "little enough to keep";
  FreeMemory(1'000'000).Return();
  EXPECT_LT(ResidentBytes() - before, kSize / 10);
}

}  // namespace
}  // namespace synth::server
