#include "client/load/arrivals.h"

#include <gtest/gtest.h>

#include <vector>

namespace synth::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::vector<nanoseconds> First(Arrivals arrivals, int count) {
  std::vector<nanoseconds> instants;
  instants.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) instants.push_back(arrivals.Next());
  return instants;
}

TEST(Arrivals, ConstantSpacingDoesNotDrift) {
  const std::vector<nanoseconds> instants =
      First(Arrivals(3.0, Arrivals::Spacing::kConstant, 1), 3'000'001);
  EXPECT_EQ(instants[0], nanoseconds(0));
  EXPECT_EQ(instants[1], nanoseconds(333'333'333));
  EXPECT_EQ(instants[3'000'000], seconds(1'000'000));
}

TEST(Arrivals, PoissonHasTheRateAndTheSpreadOfIndependentUsers) {
  constexpr int kCount = 200'000;
  const std::vector<nanoseconds> instants =
      First(Arrivals(1000.0, Arrivals::Spacing::kPoisson, 7), kCount);
  const double mean = static_cast<double>(instants.back().count()) / kCount;
  EXPECT_NEAR(mean, 1e6, 1e4);
  double squares = 0;
  nanoseconds last(0);
  for (const nanoseconds instant : instants) {
    ASSERT_GE(instant, last);
    const double deviation = static_cast<double>((instant - last).count()) - mean;
    squares += deviation * deviation;
    last = instant;
  }
  // An exponential's variance is its mean squared.
  EXPECT_NEAR(squares / kCount / (mean * mean), 1.0, 0.03);
}

TEST(Arrivals, TheSeedDecides) {
  const auto instants = [](uint64_t seed) {
    return First(Arrivals(10.0, Arrivals::Spacing::kPoisson, seed), 100);
  };
  EXPECT_EQ(instants(1), instants(1));
  EXPECT_NE(instants(1), instants(2));
}

TEST(Pacer, HandsOutNothingBeforeItsTime) {
  Pacer pacer(Arrivals(100.0, Arrivals::Spacing::kConstant, 1), seconds(1));
  EXPECT_EQ(pacer.TakeDue(milliseconds(0)), nanoseconds(0));
  EXPECT_EQ(pacer.TakeDue(milliseconds(9)), std::nullopt);
  EXPECT_EQ(pacer.NextDue(), milliseconds(10));
  EXPECT_EQ(pacer.TakeDue(milliseconds(10)), milliseconds(10));
}

TEST(Pacer, ALateSenderGetsEveryMissedInstantAsItWas) {
  Pacer pacer(Arrivals(100.0, Arrivals::Spacing::kConstant, 1), seconds(1));
  std::vector<nanoseconds> taken;
  while (const auto due = pacer.TakeDue(milliseconds(35))) taken.push_back(*due);
  EXPECT_EQ(taken, (std::vector<nanoseconds>{milliseconds(0), milliseconds(10), milliseconds(20),
                                             milliseconds(30)}));
  EXPECT_EQ(pacer.NextDue(), milliseconds(40));
}

TEST(Pacer, EndsBeforeItsEnd) {
  Pacer pacer(Arrivals(100.0, Arrivals::Spacing::kConstant, 1), milliseconds(30));
  int taken = 0;
  while (pacer.TakeDue(seconds(100)).has_value()) ++taken;
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(pacer.NextDue(), std::nullopt);
}

}  // namespace
}  // namespace synth::load
