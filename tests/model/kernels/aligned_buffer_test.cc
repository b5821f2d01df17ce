#include "model/kernels/aligned_buffer.h"

#include <gtest/gtest.h>

#include <utility>

namespace synth {
namespace {

TEST(AlignedBufferTest, WhatWasMovedFromGrowsAnew) {
  AlignedBuffer<float> buffer;
  buffer.Reserve(100)[99] = 7;
  AlignedBuffer<float> other = std::move(buffer);
  EXPECT_EQ(other.data()[99], 7);
  // NOLINTBEGIN(bugprone-use-after-move): what the move leaves is the question.
  EXPECT_EQ(buffer.bytes(), 0U);
  ASSERT_NE(buffer.Reserve(10), nullptr);
  buffer = std::move(other);
  EXPECT_EQ(buffer.data()[99], 7);
  EXPECT_EQ(other.bytes(), 0U);
  ASSERT_NE(other.Reserve(1), nullptr);
  // NOLINTEND(bugprone-use-after-move)
}

}  // namespace
}  // namespace synth
