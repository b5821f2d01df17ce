#include "server/base/log_limit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

namespace synth {
namespace {

using std::chrono::seconds;

TEST(LogLimitTest, TheFirstAtOnceThenOneInAnIntervalWithTheNumberSince) {
  TimePoint now = Clock::now();
  LogLimit<std::string> limit(seconds(10), [&] { return now; });
  EXPECT_EQ(limit.Count("a"), 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limit.Count("a"), std::nullopt);
  EXPECT_EQ(limit.Count("b"), 1) << "another kind";
  now += seconds(9);
  EXPECT_EQ(limit.Count("a"), std::nullopt);
  now += seconds(1);
  EXPECT_EQ(limit.Count("a"), 1002);
  EXPECT_EQ(limit.Count("a"), std::nullopt);
  now += seconds(10);
  EXPECT_EQ(limit.Count("a"), 2);
}

}  // namespace
}  // namespace synth
