#include "server/scheduling/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/scheduling/arena.h"
#include "tests/server/scheduling/fakes.h"

namespace synth::scheduling {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

using Batch = std::vector<std::string>;

class SchedulerTest : public testing::Test {
 protected:
  Scheduler& Make(const Scheduler::Options& options) {
    scheduler_ = std::make_unique<Scheduler>(options, engine_, executor_, observer_,
                                             [this] { return clock_.now(); });
    return *scheduler_;
  }
  std::optional<Refusal> Submit(FakeCall& call) { return scheduler_->Submit(call, call.jobs); }

  ManualClock clock_;
  ManualExecutor executor_;
  FakeEngine engine_{clock_};
  CountingObserver observer_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, ComputesALoneTextInOneTurn) {
  Make({.lanes = 2});
  FakeCall call({"hello"});
  EXPECT_EQ(Submit(call), std::nullopt);
  EXPECT_EQ(call.done, 0) << "nothing is computed by the submitter";
  EXPECT_EQ(executor_.waiting(), 1U) << "one text wakes one lane";
  executor_.RunOne();
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(engine_.batches, ElementsAre(Batch{"hello"}));
  EXPECT_EQ(executor_.waiting(), 0U);
}

TEST_F(SchedulerTest, BindsLate) {
  Make({.lanes = 1});
  FakeCall first({"a"});
  FakeCall second({"b"});
  FakeCall third({"c"});
  Submit(first);
  Submit(second);
  Submit(third);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, ElementsAre(Batch{"a", "b", "c"}))
      << "all that had come when the lane was free";
}

TEST_F(SchedulerTest, WhatArrivesDuringABatchWaitsForTheNext) {
  Make({.lanes = 1});
  FakeCall first({"a"});
  FakeCall second({"b"});
  FakeCall third({"c"});
  engine_.during_compute = [&] {
    Submit(second);
    Submit(third);
    EXPECT_EQ(scheduler_->load().busy_lanes, 1);
    EXPECT_EQ(scheduler_->load().queued_texts, 2);
    EXPECT_EQ(scheduler_->load().queued_tokens, 2);
  };
  Submit(first);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, ElementsAre(Batch{"a"}, Batch{"b", "c"}));
  EXPECT_EQ(scheduler_->load().busy_lanes, 0);
  EXPECT_EQ(scheduler_->load().queued_tokens, 0);
}

TEST_F(SchedulerTest, KeepsToTheTokenBudgetAndTheOrderOfArrival) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall call({"aaaa", "bbbb", "cccc", std::string(50, 'd'), "e"});
  Submit(call);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, ElementsAre(Batch{"aaaa", "bbbb"}, Batch{"cccc"},
                                           Batch{std::string(50, 'd')}, Batch{"e"}));
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(call.computed, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(SchedulerTest, TextsThatAreOnlyTokenizedDoNotKeepOthersFromBeingComputed) {
  Make({.lanes = 1});
  FakeCall call({"a"});
  FakeCall tokenize(std::vector<std::string>(600, std::string(100, 'x')));
  tokenize.work = JobGroup::Work::kTokenize;
  std::size_t tokenized = 0;
  call.on_done = [&] { tokenized = engine_.tokenized.size(); };
  Submit(call);
  Submit(tokenize);
  executor_.RunAll();
  EXPECT_EQ(call.done, 1);
  EXPECT_LT(tokenized, 200U) << "16 KiB, and the rest of a chunk";
  EXPECT_EQ(tokenize.done, 1);
  EXPECT_THAT(engine_.tokenized, SizeIs(601));
}

TEST_F(SchedulerTest, IdleLanesShareWhatIsQueued) {
  Make({.lanes = 2, .max_batch_tokens = 1000});
  FakeCall call(std::vector<std::string>(8, std::string(50, 'x')));
  Submit(call);
  EXPECT_EQ(executor_.waiting(), 2U);
  executor_.RunAll();
  ASSERT_THAT(engine_.batches, SizeIs(testing::Ge(2U)));
  EXPECT_THAT(engine_.batches[0], SizeIs(4)) << "half of it, for the other lane is free too";
  EXPECT_EQ(call.done, 1);
}

TEST_F(SchedulerTest, DoesNotSplitWhatIsTooSmallToShare) {
  Make({.lanes = 2, .max_batch_tokens = 1000});
  FakeCall call(std::vector<std::string>(8, "x"));
  Submit(call);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, ElementsAre(SizeIs(8)));
}

TEST_F(SchedulerTest, LanesThatRunAtOnceAreDifferent) {
  Make({.lanes = 2, .max_batch_tokens = 1000});
  FakeCall first({std::string(100, 'x')});
  FakeCall second({std::string(100, 'y')});
  engine_.during_compute = [&] {
    Submit(second);
    executor_.RunOne();  // the other lane, inside the first one's batch
  };
  Submit(first);
  executor_.RunAll();
  EXPECT_THAT(engine_.lanes, UnorderedElementsAre(0, 1));
}

TEST_F(SchedulerTest, ABadTextFailsAlone) {
  Make({.lanes = 1});
  FakeCall call({"good", "bad one", "also good"});
  Submit(call);
  executor_.RunAll();
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(call.computed, ElementsAre(0, 2));
  EXPECT_TRUE(call.jobs[0].status.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(call.jobs[1].status));
  EXPECT_EQ(scheduler_->load().queued_tokens, 0);
}

TEST_F(SchedulerTest, TokenizeOnlyCallsAreNeverComputed) {
  Make({.lanes = 1});
  FakeCall call({"hello", "bad"});
  call.work = JobGroup::Work::kTokenize;
  Submit(call);
  executor_.RunAll();
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(engine_.batches, IsEmpty());
  EXPECT_EQ(call.jobs[0].tokens, 5);
}

TEST_F(SchedulerTest, RefusesAWholeCallAndKeepsNothingOfIt) {
  Make({.lanes = 1, .max_queue_tokens = 200});
  FakeCall first({std::string(100, 'a')});
  FakeCall second({std::string(100, 'b')});
  FakeCall refused({std::string(60, 'c'), std::string(60, 'd')});
  FakeCall shorter({"e"});
  EXPECT_EQ(Submit(first), std::nullopt);
  EXPECT_EQ(Submit(second), std::nullopt);
  const std::optional<Refusal> refusal = Submit(refused);
  EXPECT_TRUE(refusal.has_value() && refusal->reason == RefusalReason::kQueueFull);
  EXPECT_EQ(observer_.refused[RefusalReason::kQueueFull], 1);
  EXPECT_EQ(Submit(shorter), std::nullopt) << "it overtakes";
  executor_.RunAll();
  EXPECT_EQ(refused.done, 0);
  EXPECT_EQ(first.done + second.done + shorter.done, 3);
  EXPECT_THAT(engine_.tokenized, ElementsAre("e", std::string(100, 'a'), std::string(100, 'b')));
  EXPECT_EQ(Submit(refused), std::nullopt) << "there is room again";
  executor_.RunAll();
  EXPECT_EQ(refused.done, 1);
}

TEST_F(SchedulerTest, GivesTheRoomBackBeforeTheAnswer) {
  Make({.lanes = 1, .max_queue_tokens = 10});
  FakeCall first({"aaaaaaaa"});
  FakeCall second({"bbbbbbbb"});
  first.on_done = [&] { EXPECT_EQ(Submit(second), std::nullopt); };
  Submit(first);
  executor_.RunAll();
  EXPECT_EQ(second.done, 1);
}

TEST_F(SchedulerTest, RefusesWhatWouldMissItsDeadline) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall lesson({std::string(10, 'x')});
  Submit(lesson);
  executor_.RunAll();  // 1 ms a token

  FakeCall backlog({std::string(100, 'x')});
  Submit(backlog);
  FakeCall hasty({std::string(100, 'y')});
  hasty.deadline = clock_.now() + milliseconds(150);
  const std::optional<Refusal> refusal = Submit(hasty);
  ASSERT_TRUE(refusal.has_value()) << "100 ms of waiting and 100 ms of its own";
  EXPECT_EQ(refusal->reason, RefusalReason::kDeadline);
  EXPECT_NEAR(std::chrono::duration<double>(refusal->retry_after).count(), 0.050, 0.001);
  FakeCall light({"y"});
  light.deadline = hasty.deadline;
  EXPECT_EQ(Submit(light), std::nullopt) << "it does not wait for the long call";
  executor_.RunAll();
}

TEST_F(SchedulerTest, RefusesACallThatIsTooLongForItsOwnDeadline) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall lesson({std::string(10, 'x')});
  Submit(lesson);
  executor_.RunAll();
  FakeCall call({std::string(100, 'x')});
  call.deadline = clock_.now() + milliseconds(90);
  ASSERT_TRUE(Submit(call).has_value());
  call.deadline = clock_.now() + milliseconds(110);
  EXPECT_EQ(Submit(call), std::nullopt);
  executor_.RunAll();
}

TEST_F(SchedulerTest, AShortCallOvertakesALongOne) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall bulk(std::vector<std::string>(40, "bulkbulk_5"));
  FakeCall light({"light"});
  engine_.during_compute = [&] { EXPECT_EQ(Submit(light), std::nullopt); };
  std::size_t batches = 0;
  light.on_done = [&] { batches = engine_.batches.size(); };
  Submit(bulk);
  executor_.RunAll();
  EXPECT_EQ(light.done, 1);
  EXPECT_EQ(bulk.done, 1);
  EXPECT_LE(batches, 2U) << "the batch under way and its own";
}

TEST_F(SchedulerTest, CallsOfOneLengthKeepTheirOrder) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  std::vector<std::string> order;
  FakeCall first(std::vector<std::string>(5, "aaaaaaaaaa"));
  FakeCall second(std::vector<std::string>(5, "bbbbbbbbbb"));
  first.on_done = [&] { order.emplace_back("first"); };
  second.on_done = [&] { order.emplace_back("second"); };
  FakeCall lesson({"aaaaaaaaaa"});
  Submit(lesson);
  executor_.RunAll();
  engine_.during_compute = [&] {
    clock_.Advance(milliseconds(-1));  // cheaper than predicted
    Submit(second);
  };
  Submit(first);
  executor_.RunAll();
  EXPECT_THAT(order, ElementsAre("first", "second"));
}

TEST_F(SchedulerTest, AStreamOfShortCallsDoesNotStarveALongOne) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall bulk(std::vector<std::string>(4, "bulkbulk_5"));
  std::vector<std::unique_ptr<FakeCall>> light;
  bool is_bulk_done = false;
  bulk.on_done = [&] { is_bulk_done = true; };
  const std::function<void()> next = [&] {
    // Two for each that ends: more than the lane can do.
    for (int i = 0; i < 2 && !is_bulk_done && light.size() < 400; ++i) {
      light.push_back(std::make_unique<FakeCall>(std::vector<std::string>{"lightlight"}));
      light.back()->on_done = next;
      Submit(*light.back());
    }
  };
  Submit(bulk);
  next();
  executor_.RunAll();
  EXPECT_EQ(bulk.done, 1);
  EXPECT_LT(light.size(), 100U) << "an eighth of the turns is the long call's";
}

TEST_F(SchedulerTest, ALongCallLeavesHalfOfTheQueueToOthers) {
  Make({.lanes = 1, .max_queue_tokens = 20});
  FakeCall bulk({std::string(100, 'x')});
  FakeCall other({std::string(100, 'y')});
  FakeCall third({std::string(100, 'z')});
  FakeCall light({"light"});
  EXPECT_EQ(Submit(bulk), std::nullopt);
  EXPECT_EQ(Submit(other), std::nullopt);
  EXPECT_TRUE(Submit(third).has_value());
  EXPECT_EQ(Submit(light), std::nullopt) << "what stands behind it does not count";
  executor_.RunAll();
}

TEST_F(SchedulerTest, TextsToTokenizeDoNotFillTheQueueForOthers) {
  Make({.lanes = 1, .max_queue_tokens = 100});
  FakeCall tokenize(std::vector<std::string>(1000, "some words"));
  tokenize.work = JobGroup::Work::kTokenize;
  FakeCall call(std::vector<std::string>(9, "some words"));
  EXPECT_EQ(Submit(tokenize), std::nullopt);
  EXPECT_EQ(Submit(call), std::nullopt);
  executor_.RunAll();
}

TEST_F(SchedulerTest, ACancellationIsSeenBetweenTwoTexts) {
  Make({.lanes = 1});
  FakeCall call({"a", "b", "c"});
  engine_.during_tokenize = [&] { call.Cancel(); };
  Submit(call);
  executor_.RunAll();
  EXPECT_THAT(engine_.tokenized, ElementsAre("a"));
  EXPECT_EQ(call.done, 1);
}

TEST_F(SchedulerTest, TwoModelsOfAnArenaShareOneOrderAndOneBacklog) {
  Arena arena(executor_, 1);
  const auto now = [this] { return clock_.now(); };
  const Scheduler::Options options{.lanes = 1, .max_batch_tokens = 10};
  Scheduler one(options, engine_, arena, observer_, now);
  Scheduler two(options, engine_, arena, observer_, now);
  FakeCall lesson({std::string(10, 'x')});
  FakeCall lesson_too({std::string(10, 'x')});
  one.Submit(lesson, lesson.jobs);
  two.Submit(lesson_too, lesson_too.jobs);
  executor_.RunAll();  // 1 ms a token

  FakeCall bulk(std::vector<std::string>(10, "bulkbulk_5"));
  FakeCall hasty(std::vector<std::string>(10, "bulkbulk_5"));
  FakeCall light({"light"});
  one.Submit(bulk, bulk.jobs);
  hasty.deadline = clock_.now() + milliseconds(150);
  EXPECT_TRUE(two.Submit(hasty, hasty.jobs).has_value()) << "the other model's 100 ms come first";
  std::size_t batches = 0;
  light.on_done = [&] { batches = engine_.batches.size(); };
  two.Submit(light, light.jobs);
  executor_.RunAll();
  EXPECT_LE(batches, 4U) << "two lessons, at most one batch of the other model, its own";
  EXPECT_EQ(bulk.done, 1);
}

TEST_F(SchedulerTest, DropsWhatWasCancelledBeforeItIsTokenized) {
  Make({.lanes = 1});
  FakeCall call({"a", "b"});
  Submit(call);
  call.Cancel();
  executor_.RunAll();
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(engine_.tokenized, IsEmpty());
  EXPECT_TRUE(absl::IsCancelled(call.jobs[1].status));
  EXPECT_EQ(observer_.dropped[DropReason::kCancelled], 2);
}

TEST_F(SchedulerTest, DropsWhatWasCancelledBeforeItIsComputed) {
  Make({.lanes = 1, .max_batch_tokens = 2});
  FakeCall first({"a"});
  FakeCall cancelled({"bb", "cc"});
  FakeCall last({"ddd", "ee"});
  engine_.during_compute = [&] { cancelled.Cancel(); };
  Submit(first);
  Submit(cancelled);
  Submit(last);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, ElementsAre(Batch{"a"}, Batch{"ddd"}, Batch{"ee"}));
  EXPECT_EQ(cancelled.done, 1);
  EXPECT_EQ(last.done, 1);
  EXPECT_EQ(scheduler_->load().queued_tokens, 0);
  EXPECT_EQ(scheduler_->load().busy_lanes, 0);
}

TEST_F(SchedulerTest, DropsWhatHasExpired) {
  Make({.lanes = 1});
  FakeCall call({"a"});
  call.deadline = clock_.now() + seconds(1);
  Submit(call);
  clock_.Advance(seconds(1));
  executor_.RunAll();
  EXPECT_EQ(call.done, 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(call.jobs[0].status));
  EXPECT_EQ(observer_.dropped[DropReason::kDeadline], 1);
  EXPECT_THAT(engine_.batches, IsEmpty());
}

TEST_F(SchedulerTest, AWindowIsComputedLikeAText) {
  Make({.lanes = 1, .max_batch_tokens = 20});
  FakeCall call({std::string(10, 'a') + std::string(10, 'b') + std::string(5, 'c'), "d"});
  call.long_texts = JobGroup::LongTexts::kWindows;
  FakeCall later({std::string(30, 'e')});
  Submit(call);
  Submit(later);
  executor_.RunAll();
  EXPECT_THAT(engine_.batches,
              ElementsAre(Batch{std::string(10, 'a'), std::string(10, 'b')},
                          Batch{std::string(5, 'c'), "d"}, Batch{std::string(30, 'e')}))
      << "in the place of their text, and no batch outgrows its budget";
  EXPECT_EQ(call.done, 1);
  EXPECT_THAT(call.computed, ElementsAre(0U, 0U, 0U, 1U));
  EXPECT_EQ(later.done, 1);
  ASSERT_THAT(call.jobs[0].windows, SizeIs(3));
  EXPECT_EQ(call.jobs[0].windows[2].whole, call.jobs.data());
  EXPECT_EQ(call.jobs[0].windows[2].queue_time, milliseconds(20));
  EXPECT_EQ(scheduler_->load().queued_tokens, 0);
}

TEST_F(SchedulerTest, WindowsOfACancelledCallAreDropped) {
  Make({.lanes = 1, .max_batch_tokens = 10});
  FakeCall call({std::string(30, 'a')});
  call.long_texts = JobGroup::LongTexts::kWindows;
  Submit(call);
  engine_.during_compute = [&] { call.Cancel(); };
  executor_.RunAll();
  EXPECT_THAT(engine_.batches, SizeIs(1)) << "the first window was in a batch already";
  EXPECT_EQ(call.done, 1);
  EXPECT_TRUE(call.jobs[0].windows[0].status.ok());
  EXPECT_TRUE(absl::IsCancelled(call.jobs[0].windows[2].status));
  EXPECT_EQ(observer_.dropped[DropReason::kCancelled], 0) << "its text counts as computed";
  EXPECT_EQ(scheduler_->load().queued_tokens, 0);
}

TEST_F(SchedulerTest, SaysWhereTheTimeWent) {
  Make({.lanes = 1});
  FakeCall call({std::string(30, 'a'), std::string(10, 'b')});
  Submit(call);
  clock_.Advance(milliseconds(7));
  executor_.RunAll();
  EXPECT_EQ(call.jobs[0].queue_time, milliseconds(7));
  EXPECT_EQ(call.jobs[0].compute_time, milliseconds(30)) << "its share of the batch's 40 ms";
  EXPECT_EQ(call.jobs[1].compute_time, milliseconds(10));
  EXPECT_EQ(observer_.tokens_done, 40);
}

}  // namespace
}  // namespace synth::scheduling
