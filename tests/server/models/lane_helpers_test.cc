// Lanes that help each other, on the arena that they run in.

#include "server/models/lane_helpers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "server/models/tbb_executor.h"

namespace synth::server {
namespace {

// Runs a task on a lane and waits for it.
template <typename Task>
void OnLane(TbbExecutor& executor, const Task& task) {
  const auto done = std::make_shared<std::promise<void>>();  // until the lane has let go of it
  executor.Enqueue([&task, done] {
    task();
    done->set_value();
  });
  done->get_future().wait();
}

TEST(LaneHelpersTest, CountsTheCallerAndTheIdle) {
  LaneHelpers helpers(3);
  const LaneHelpers::Busy caller(helpers);
  EXPECT_EQ(helpers.threads(), 3);
  {
    const LaneHelpers::Busy other(helpers);
    EXPECT_EQ(helpers.threads(), 2);
  }
  EXPECT_EQ(helpers.threads(), 3);
}

TEST(LaneHelpersTest, NoneWhereOthersKeepAllLanesBusy) {
  TbbExecutor executor(2);  // its helpers are those of all models
  const LaneHelpers::Busy of_one_model(executor.helpers());
  const LaneHelpers::Busy of_another(executor.helpers());
  EXPECT_EQ(executor.helpers().threads(), 1);
}

TEST(LaneHelpersTest, CallsEachPartOnce) {
  TbbExecutor executor(3);
  for (const int count : {1, 2, 3, 7}) {
    std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
    OnLane(executor, [&] {
      executor.helpers().Run(count, [&](int i, int) { ++calls[static_cast<std::size_t>(i)]; });
    });
    for (const auto& one : calls) EXPECT_EQ(one.load(), 1);
  }
}

// For one lane too, whose thread oneTBB may number 1.
TEST(LaneHelpersTest, ThreadsAtWorkHaveNumbersOfTheirOwn) {
  for (const int lanes : {1, 2, 3}) {
    TbbExecutor executor(lanes);
    std::vector<std::atomic<int>> at_work(static_cast<std::size_t>(lanes));
    std::atomic<int> wrong = 0;
    constexpr int kTurns = 50;
    std::latch done(kTurns);
    for (int turn = 0; turn < kTurns; ++turn) {
      executor.Enqueue([&] {
        executor.helpers().Run(lanes, [&](int, int thread) {
          if (thread < 0 || thread >= lanes) {
            ++wrong;
            return;
          }
          auto& mine = at_work[static_cast<std::size_t>(thread)];
          if (++mine != 1) ++wrong;
          std::this_thread::yield();
          --mine;
        });
        done.count_down();
      });
    }
    done.wait();
    EXPECT_EQ(wrong.load(), 0) << lanes;
  }
}

// The two lanes of an arena: one waits for the part that the other computes. A turn that comes
// meanwhile has to wait, or it would run inside the waiting one. (oneTBB 2021.8 keeps to that even
// without the isolation in Run.)
TEST(LaneHelpersTest, ALaneThatWaitsTakesNoTurn) {
  using namespace std::chrono_literals;
  TbbExecutor executor(2);
  std::atomic<bool> is_nested = false;
  const auto turn = std::make_shared<std::promise<void>>();
  const std::shared_future<void> turn_has_begun = turn->get_future().share();
  OnLane(executor, [&] {
    const std::thread::id caller = std::this_thread::get_id();
    std::latch other_has_begun(1);
    executor.helpers().Run(2, [&](int, int) {
      if (std::this_thread::get_id() == caller) {
        other_has_begun.wait();
        return;
      }
      other_has_begun.count_down();
      executor.Enqueue([turn] { turn->set_value(); });
      // Both threads are taken, so that only the waiting one could begin it.
      is_nested = turn_has_begun.wait_for(200ms) == std::future_status::ready;
    });
  });
  turn_has_begun.wait();
  EXPECT_FALSE(is_nested.load());
}

}  // namespace
}  // namespace synth::server
