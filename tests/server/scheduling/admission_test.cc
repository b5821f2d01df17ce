#include "server/scheduling/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <random>

#include "server/scheduling/cost_model.h"

namespace synth::scheduling {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const TimePoint kNow{std::chrono::hours(1)};

Admission Make() { return Admission({.max_queue_tokens = 1000, .max_queue_time = seconds(1)}); }

TEST(CostModelTest, LearnsATokensAndABatchesCost) {
  CostModel costs(256);
  EXPECT_FALSE(costs.is_measured());
  costs.LearnBatch(512, milliseconds(512));
  EXPECT_TRUE(costs.is_measured());
  for (int i = 0; i < 300; ++i) costs.LearnBatch(10, milliseconds(15));
  EXPECT_NEAR(costs.TokenSeconds(1000), 1, 1e-6) << "small batches do not make tokens dearer";
  EXPECT_NEAR(costs.batch_seconds(), 0.005, 1e-4);
  for (int i = 0; i < 300; ++i) costs.LearnBatch(512, milliseconds(1024));
  EXPECT_NEAR(costs.TokenSeconds(1000), 2, 0.01) << "forgets old measurements";
}

TEST(CostModelTest, TheFirstLargeBatchSaysWhatATokenCosts) {
  CostModel costs(256);
  costs.LearnBatch(10, milliseconds(100));
  EXPECT_NEAR(costs.TokenSeconds(1000), 10, 1e-6) << "nothing better is known";
  costs.LearnBatch(512, milliseconds(512));
  EXPECT_NEAR(costs.TokenSeconds(1000), 1, 1e-6);
}

TEST(CostModelTest, TheOrderDoesNotFollowSmallChanges) {
  CostModel costs(256);
  costs.LearnBatch(512, milliseconds(512));
  const double before = costs.OrderSeconds(100, 0);
  for (int i = 0; i < 300; ++i) costs.LearnBatch(512, milliseconds(400));
  EXPECT_DOUBLE_EQ(costs.OrderSeconds(100, 0), before);
  for (int i = 0; i < 300; ++i) costs.LearnBatch(512, milliseconds(200));
  EXPECT_LT(costs.OrderSeconds(100, 0), before / 1.4);
}

TEST(CostModelTest, LearnsWhatTokenizingCosts) {
  CostModel costs(256);
  for (int i = 0; i < 300; ++i) costs.LearnTokenizing(16'384, milliseconds(16));
  EXPECT_NEAR(costs.ByteSeconds(16'384), 0.016, 1e-4);
}

TEST(AdmissionTest, AdmitsAnySizeWhenNothingIsAhead) {
  EXPECT_EQ(Make().Check({.tokens = 1'000'000, .now = kNow}), std::nullopt);
}

TEST(AdmissionTest, RefusesWhatTheQueueCannotHold) {
  Admission admission = Make();
  EXPECT_EQ(admission.Check({.tokens = 100, .tokens_ahead = 900, .now = kNow}), std::nullopt);
  const std::optional<Refusal> refusal =
      admission.Check({.tokens = 101, .tokens_ahead = 900, .now = kNow});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_THAT(refusal->message, HasSubstr("900 tokens wait"));
  EXPECT_GE(refusal->retry_after, milliseconds(1));
  EXPECT_TRUE(admission.Check({.tokens = 1, .tokens_there = 2000, .now = kNow}).has_value())
      << "short calls that overtake may take as much again, and no more";
}

TEST(AdmissionTest, CountsAtMostHalfOfTheQueueForACall) {
  EXPECT_EQ(Make().Check({.tokens = 5000, .tokens_ahead = 500, .now = kNow}), std::nullopt);
  EXPECT_TRUE(Make().Check({.tokens = 5000, .tokens_ahead = 501, .now = kNow}).has_value());
}

TEST(AdmissionTest, RefusesWhatWouldWaitTooLong) {
  const std::optional<Refusal> refusal =
      Make().Check({.tokens = 1, .wait = milliseconds(1200), .now = kNow});
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kPredictedWait);
  EXPECT_THAT(refusal->message, HasSubstr("about 1200 ms"));
  EXPECT_EQ(refusal->retry_after, milliseconds(600));
}

TEST(AdmissionTest, RefusesWhatWouldMissItsDeadline) {
  Admission admission = Make();
  Admission::Request request{.tokens = 1,
                             .wait = milliseconds(400),
                             .alone = milliseconds(100),
                             .now = kNow,
                             .deadline = kNow + milliseconds(550)};
  EXPECT_EQ(admission.Check(request), std::nullopt);
  request.deadline = kNow + milliseconds(549);
  const std::optional<Refusal> refusal = admission.Check(request);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kDeadline);
  EXPECT_THAT(refusal->message, HasSubstr("deadline is in 549 ms"));
}

TEST(AdmissionTest, KeepsAsMuchInReserveAsOneCallIn200Needs) {
  Admission admission = Make();
  std::mt19937 random(1);
  std::uniform_real_distribution<double> took(800, 1300);  // of 1,000 ms predicted
  const auto learn = [&](int calls) {
    int late = 0;
    for (int i = 0; i < calls; ++i) {
      const double taken = took(random);
      if (taken > 1000 * (1 + admission.reserve())) ++late;
      admission.Learn(seconds(1), std::chrono::duration_cast<Duration>(
                                      std::chrono::duration<double, std::milli>(taken)));
    }
    return late;
  };
  learn(2'000);
  EXPECT_NEAR(admission.reserve(), 0.2975, 0.03);
  EXPECT_NEAR(learn(100'000), 500, 60);

  Admission::Request request{.tokens = 1,
                             .wait = milliseconds(400),
                             .alone = milliseconds(100),
                             .now = kNow,
                             .deadline = kNow + milliseconds(600)};
  ASSERT_TRUE(admission.Check(request).has_value());
  for (int i = 0; i < 10'000; ++i) admission.Learn(milliseconds(49), seconds(1));
  ASSERT_TRUE(admission.Check(request).has_value()) << "short calls teach nothing";
  for (int i = 0; i < 10'000; ++i) admission.Learn(seconds(1), seconds(1));
  EXPECT_EQ(admission.Check(request), std::nullopt) << "forgets a bad time";
  EXPECT_DOUBLE_EQ(admission.reserve(), 0.1);
  for (int i = 0; i < 1'000; ++i) admission.Learn(seconds(1), seconds(100));
  EXPECT_DOUBLE_EQ(admission.reserve(), 1) << "some call can always be met";
}

TEST(AdmissionTest, TriesNowAndThenWhatItBelievesImpossible) {
  Admission admission = Make();
  int admitted = 0;
  for (int i = 0; i < 32; ++i) {
    if (!admission.Check({.tokens = 1,
                          .alone = milliseconds(10),
                          .now = kNow,
                          .deadline = kNow + milliseconds(5)}))
      ++admitted;
  }
  EXPECT_EQ(admitted, 2) << "or an old prediction would never be renewed";
}

}  // namespace
}  // namespace synth::scheduling
