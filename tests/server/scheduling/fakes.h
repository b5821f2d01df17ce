#ifndef SYNTH_TESTS_SERVER_SCHEDULING_FAKES_H_
#define SYNTH_TESTS_SERVER_SCHEDULING_FAKES_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"

namespace synth::scheduling {

// Lanes driven by hand: a task runs when the test says so.
class ManualExecutor final : public Executor {
 public:
  void Enqueue(std::function<void()> task) override { tasks_.push_back(std::move(task)); }

  std::size_t waiting() const { return tasks_.size(); }
  void RunOne() {
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
  }
  void RunAll() {
    while (!tasks_.empty()) RunOne();
  }

 private:
  std::deque<std::function<void()>> tasks_;
};

// A clock driven by hand.
class ManualClock {
 public:
  TimePoint now() const { return now_; }
  void Advance(Duration duration) { now_ += duration; }

 private:
  TimePoint now_{std::chrono::hours(1)};
};

// A text has one token per byte, unless it starts with "bad", which does not tokenize. Computing
// advances the clock by 1 ms per token.
class FakeEngine final : public Engine {
 public:
  static constexpr std::size_t kWindow = 10;

  explicit FakeEngine(ManualClock& clock) : clock_(clock) {}

  int PredictTokens(const Job& job) const override { return static_cast<int>(job.text.size()); }

  absl::Status Tokenize(Job& job) override {
    tokenized.emplace_back(job.text);
    if (const auto hook = std::exchange(during_tokenize, nullptr)) hook();
    if (job.text.starts_with("bad")) return absl::InvalidArgumentError("bad text");
    job.tokens = static_cast<int>(job.text.size());
    job.original_tokens = job.tokens;
    if (job.group->long_texts != JobGroup::LongTexts::kWindows) return absl::OkStatus();
    // Windows of kWindow tokens.
    if (job.text.size() <= kWindow) return absl::OkStatus();
    for (std::size_t begin = 0; begin < job.text.size(); begin += kWindow) {
      Job& window = job.windows.emplace_back();
      window.text = job.text.substr(begin, kWindow);
      window.tokens = static_cast<int>(window.text.size());
    }
    return absl::OkStatus();
  }

  void Compute(std::span<Job* const> batch, int lane) override {
    if (const auto hook = std::exchange(during_compute, nullptr)) hook();
    std::vector<std::string> texts;
    for (Job* job : batch) {
      texts.emplace_back(job->text);
      clock_.Advance(std::chrono::milliseconds(job->tokens));
      job->group->OnHidden(*job, {});
    }
    batches.push_back(texts);
    lanes.push_back(lane);
  }

  std::vector<std::string> tokenized;
  std::vector<std::vector<std::string>> batches;
  std::vector<int> lanes;
  std::function<void()> during_compute;   // called once, inside the next batch
  std::function<void()> during_tokenize;  // called once, inside the next text

 private:
  ManualClock& clock_;
};

class CountingObserver final : public Observer {
 public:
  void OnRefused(RefusalReason reason) override { ++refused[reason]; }
  void OnDropped(DropReason reason) override { ++dropped[reason]; }
  void OnTokenized(const Job& /*job*/) override { ++tokenized; }
  void OnBatchStarted(std::span<Job* const> /*batch*/, int /*tokens*/) override {
    ++batches_started;
  }
  void OnBatchDone(std::span<Job* const> /*batch*/, int tokens, Duration /*time*/) override {
    tokens_done += tokens;
  }

  std::map<RefusalReason, int> refused;
  std::map<DropReason, int> dropped;
  int tokenized = 0;
  int batches_started = 0;
  int tokens_done = 0;
};

// A call with some texts, that notes what becomes of them.
class FakeCall final : public JobGroup {
 public:
  explicit FakeCall(std::vector<std::string> call_texts)
      : texts(std::move(call_texts)), jobs(texts.size()) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      jobs[i].text = texts[i];
      jobs[i].index = i;
    }
  }

  void OnHidden(Job& job, std::span<const float> /*hidden*/) override {
    computed.push_back(job.index);
  }
  void OnAllDone() override {
    ++done;
    if (on_done) on_done();
  }

  std::vector<std::string> texts;
  std::vector<Job> jobs;
  std::vector<std::size_t> computed;
  int done = 0;
  std::function<void()> on_done;
};

}  // namespace synth::scheduling

#endif  // SYNTH_TESTS_SERVER_SCHEDULING_FAKES_H_
