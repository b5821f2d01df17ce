#include "server/scheduling/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace synth::scheduling {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const TimePoint kNow{std::chrono::hours(1)};
constexpr TimePoint kNoDeadline = TimePoint::max();

// 2 lanes at 1 ms a token: 1,000 tokens take half a second.
Admission Experienced() {
  Admission admission({.lanes = 2, .max_queue_tokens = 10'000, .max_queue_time = seconds(1)});
  admission.Learn(100, milliseconds(100));
  return admission;
}

TEST(AdmissionTest, PredictsFromMeasuredCostAndLanes) {
  EXPECT_EQ(Experienced().Predict(1000), milliseconds(500));
  EXPECT_EQ(Admission({}).Predict(1000), Duration::zero())
      << "nothing is known before the first batch";
}

TEST(AdmissionTest, ForgetsOldMeasurements) {
  Admission admission = Experienced();
  for (int i = 0; i < 200; ++i) admission.Learn(100, milliseconds(300));
  EXPECT_NEAR(std::chrono::duration<double>(admission.Predict(1000)).count(), 1.5, 0.01);
}

TEST(AdmissionTest, AdmitsAnythingWhenNothingIsAhead) {
  EXPECT_EQ(Experienced().Check(1'000'000, 0, kNow, kNow + milliseconds(1)), std::nullopt);
}

TEST(AdmissionTest, RefusesWhatTheQueueCannotHold) {
  EXPECT_EQ(Experienced().Check(1000, 1000, kNow, kNoDeadline), std::nullopt);
  Admission inexperienced({.lanes = 1, .max_queue_tokens = 1000});
  EXPECT_EQ(inexperienced.Check(100, 900, kNow, kNoDeadline), std::nullopt);
  const std::optional<Refusal> refusal = inexperienced.Check(101, 900, kNow, kNoDeadline);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kQueueFull);
  EXPECT_THAT(refusal->message, HasSubstr("900 tokens wait"));
  EXPECT_GE(refusal->retry_after, milliseconds(1));
}

TEST(AdmissionTest, RefusesWhatWouldWaitTooLong) {
  const std::optional<Refusal> refusal = Experienced().Check(1, 2400, kNow, kNoDeadline);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kPredictedWait);
  EXPECT_THAT(refusal->message, HasSubstr("about 1200 ms"));
  EXPECT_EQ(refusal->retry_after, milliseconds(600));
}

TEST(AdmissionTest, RefusesWhatWouldMissItsDeadline) {
  EXPECT_EQ(Experienced().Check(1, 1000, kNow, kNow + milliseconds(501)), std::nullopt);
  const std::optional<Refusal> refusal =
      Experienced().Check(1, 1000, kNow, kNow + milliseconds(499));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, RefusalReason::kDeadline);
  EXPECT_THAT(refusal->message, HasSubstr("deadline is in 499 ms"));
}

}  // namespace
}  // namespace synth::scheduling
