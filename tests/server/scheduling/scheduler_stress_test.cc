#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/scheduling/scheduler.h"

namespace synth::scheduling {
namespace {

// Real threads, as plain as they come, so that ThreadSanitizer sees every hand-over.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~ThreadExecutor() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
  }

  void Enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

 private:
  void Work() {
    while (true) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

// Notices when two batches run in one lane at a time.
class LaneCheckingEngine final : public Engine {
 public:
  static constexpr int kMaxLanes = 4;

  int PredictTokens(const Job& job) const override { return static_cast<int>(job.text.size()) + 1; }

  absl::Status Tokenize(Job& job) override {
    if (job.text.starts_with('!')) return absl::InvalidArgumentError("bad text");
    job.token_ids.assign(job.text.begin(), job.text.end());
    job.tokens = static_cast<int>(job.text.size());
    return absl::OkStatus();
  }

  void Compute(std::span<Job* const> batch, int lane) override {
    auto& busy = busy_.at(static_cast<std::size_t>(lane));
    if (busy.exchange(true)) ++overlaps;
    for (Job* job : batch) {
      sum_ += job->token_ids.front();  // touches what tokenization wrote, perhaps on another lane
      job->group->OnHidden(*job, {});
    }
    computed += batch.size();
    busy.store(false);
  }

  std::atomic<int> overlaps = 0;
  std::atomic<std::size_t> computed = 0;

 private:
  std::array<std::atomic<bool>, kMaxLanes> busy_{};
  std::atomic<std::int64_t> sum_ = 0;
};

class NullObserver final : public Observer {
 public:
  void OnRefused(RefusalReason /*reason*/) override { ++refused; }
  void OnDropped(DropReason /*reason*/) override { ++dropped; }
  void OnTokenized(const Job& /*job*/) override {}
  void OnBatchStarted(std::span<Job* const> /*batch*/, int /*tokens*/) override {}
  void OnBatchDone(std::span<Job* const> /*batch*/, int /*tokens*/, Duration /*time*/) override {}
  std::atomic<std::size_t> refused = 0;
  std::atomic<std::size_t> dropped = 0;
};

// Destroys itself when it is done, as the server's calls do.
class SelfOwnedCall final : public JobGroup {
 public:
  SelfOwnedCall(std::vector<std::string> texts, std::atomic<int>& done)
      : texts_(std::move(texts)), done_(done) {
    for (const std::string& text : texts_) jobs_.emplace_back().text = text;
  }
  std::span<Job> jobs() { return jobs_; }
  void OnHidden(Job& /*job*/, std::span<const float> /*hidden*/) override { ++computed_; }
  void OnAllDone() override {
    ++done_;
    delete this;
  }

 private:
  std::vector<std::string> texts_;
  std::vector<Job> jobs_;
  std::atomic<std::size_t> computed_ = 0;
  std::atomic<int>& done_;
};

struct StressCase {
  int lanes;
  int submitters;
  std::int64_t max_queue_tokens;
};

void PrintTo(const StressCase& stress_case, std::ostream* out) {
  *out << stress_case.lanes << " lanes, " << stress_case.submitters << " submitters, "
       << stress_case.max_queue_tokens << " tokens";
}

class SchedulerStressTest : public testing::TestWithParam<StressCase> {};

TEST_P(SchedulerStressTest, EveryCallEndsExactlyOnce) {
  const StressCase& param = GetParam();
  constexpr int kCallsEach = 500;
  ThreadExecutor executor(param.lanes);
  LaneCheckingEngine engine;
  NullObserver observer;
  std::atomic<int> done = 0;
  std::atomic<int> admitted = 0;
  std::atomic<std::size_t> texts_admitted = 0;
  std::atomic<std::size_t> texts_bad = 0;
  {
    Scheduler scheduler(
        {.lanes = param.lanes, .max_batch_tokens = 64, .max_queue_tokens = param.max_queue_tokens},
        engine, executor, observer);
    std::latch start(param.submitters);
    std::vector<std::jthread> submitters;
    submitters.reserve(static_cast<std::size_t>(param.submitters));
    for (int s = 0; s < param.submitters; ++s) {
      submitters.emplace_back([&, s] {
        std::mt19937 random(static_cast<unsigned>(s));
        start.arrive_and_wait();
        for (int i = 0; i < kCallsEach; ++i) {
          std::vector<std::string> texts(1 + random() % 20);
          std::size_t bad = 0;
          for (std::string& text : texts) {
            const bool is_bad = random() % 10 == 0;
            text.assign(1 + random() % 30, is_bad ? '!' : 'x');
            bad += is_bad ? 1 : 0;
          }
          const std::size_t count = texts.size();
          auto call = std::make_unique<SelfOwnedCall>(std::move(texts), done);
          // Cancelled before, for after Submit the call may be gone.
          const bool cancelled = random() % 8 == 0;
          if (cancelled) call->Cancel();
          if (random() % 8 == 0) call->deadline = Clock::now();
          const bool expired = call->deadline != TimePoint::max();
          if (!scheduler.Submit(*call, call->jobs())) {
            static_cast<void>(call.release());
            ++admitted;
            texts_admitted += count;
            if (!cancelled && !expired) texts_bad += bad;
          }
          static_cast<void>(scheduler.load());
        }
      });
    }
    submitters.clear();
  }  // the scheduler waits for its lanes
  EXPECT_EQ(done, admitted);
  EXPECT_EQ(engine.overlaps, 0);
  EXPECT_EQ(engine.computed + observer.dropped + texts_bad, texts_admitted);
  EXPECT_EQ(observer.refused + static_cast<std::size_t>(admitted),
            static_cast<std::size_t>(param.submitters * kCallsEach));
  EXPECT_GT(admitted, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, SchedulerStressTest,
                         testing::Values(StressCase{1, 1, 1 << 20}, StressCase{2, 3, 1 << 20},
                                         StressCase{4, 2, 400}, StressCase{3, 4, 2000}));

}  // namespace
}  // namespace synth::scheduling
