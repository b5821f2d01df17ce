#include "server/scheduling/scheduler.h"

#include <algorithm>
#include <utility>

namespace synth::scheduling {
namespace {

// Texts that a lane tokenizes between two looks at the queue: enough to make the lock cheap, few
// enough that two lanes share one call's texts.
constexpr std::size_t kTokenizeChunk = 8;

// Bytes that a lane tokenizes in a turn while texts wait to be computed, some milliseconds' worth.
// A batch of tokens is far fewer; this bounds what has none to give: Tokenize calls, texts that
// fail, and the part of long texts that is cut off.
constexpr std::size_t kTokenizeBytes = 16'384;

// A smaller share than this is not worth a second lane.
constexpr std::int64_t kMinShareTokens = 64;

std::int64_t DivideUp(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

Scheduler::Scheduler(const Options& options, Engine& engine, Executor& executor, Observer& observer,
                     std::function<TimePoint()> now)
    : options_(options),
      engine_(engine),
      executor_(executor),
      observer_(observer),
      now_(std::move(now)),
      admission_({.lanes = options.lanes,
                  .max_queue_tokens = options.max_queue_tokens,
                  .max_queue_time = options.max_queue_time}) {
  // Lane 0 is taken first: with little to do its buffers stay warm.
  for (int lane = options.lanes - 1; lane >= 0; --lane) idle_lanes_.push_back(lane);
}

Scheduler::~Scheduler() {
  const MutexLock lock(mutex_);
  while (idle_lanes_.size() < static_cast<std::size_t>(options_.lanes)) mutex_.Wait(all_idle_);
}

std::optional<Refusal> Scheduler::Submit(JobGroup& group, std::span<Job> jobs) {
  std::int64_t tokens = 0;
  for (Job& job : jobs) {
    job.group = &group;
    job.tokens = engine_.PredictTokens(job);
    tokens += job.tokens;
  }
  group.remaining_.store(jobs.size(), std::memory_order_relaxed);

  const TimePoint now = now_();
  std::optional<Refusal> refusal;
  std::vector<int> woken;
  {
    const MutexLock lock(mutex_);
    refusal = admission_.Check(tokens, backlog_tokens_, now, group.deadline);
    if (!refusal) {
      backlog_tokens_ += tokens;
      for (Job& job : jobs) {
        job.sequence = next_sequence_++;
        job.submitted = now;
        arrived_.Push(&job);
      }
      woken = WakeLocked();
    }
  }
  // The group may be gone from here on.
  if (refusal) observer_.OnRefused(refusal->reason);
  GiveTurns(woken);
  return refusal;
}

Scheduler::Load Scheduler::load() const {
  const MutexLock lock(mutex_);
  return {.queued_texts = static_cast<std::int64_t>(arrived_.size() + ready_.size()),
          .queued_tokens = arrived_.tokens() + ready_.tokens(),
          .busy_lanes = busy_lanes_};
}

void Scheduler::Turn(int lane) {
  TokenizeArrivals();
  const std::vector<Job*> batch = TakeBatch();
  if (!batch.empty()) Compute(batch, lane);
  EndTurn(lane);
}

void Scheduler::TokenizeArrivals() {
  std::size_t bytes = 0;
  while (true) {
    std::vector<Job*> chunk;
    {
      const MutexLock lock(mutex_);
      if (ready_.tokens() >= options_.max_batch_tokens) return;
      if (bytes >= kTokenizeBytes && !ready_.empty()) return;
      chunk = arrived_.TakeOldest(kTokenizeChunk, options_.max_batch_tokens);
    }
    if (chunk.empty()) return;
    std::vector<Job*> dropped;
    SplitDropped(chunk, dropped);
    Finish(dropped);
    for (const Job* job : chunk) bytes += job->text.size();
    Tokenize(chunk);
  }
}

void Scheduler::Tokenize(std::span<Job* const> chunk) {
  std::vector<Job*> computed_next;
  std::vector<Job*> done;
  std::int64_t predicted = 0;
  std::int64_t exact = 0;
  for (Job* job : chunk) {
    predicted += job->tokens;
    const TimePoint start = now_();
    job->status = engine_.Tokenize(*job);
    job->tokenize_time = now_() - start;
    exact += job->tokens;
    observer_.OnTokenized(*job);
    if (!job->status.ok() || job->group->work == JobGroup::Work::kTokenize) {
      done.push_back(job);
    } else if (job->windows.empty()) {
      computed_next.push_back(job);
    } else {
      Split(*job, computed_next);
    }
  }
  {
    const MutexLock lock(mutex_);
    backlog_tokens_ += exact - predicted;
    ready_.Push(computed_next);
  }
  Finish(done);
}

void Scheduler::Split(Job& text, std::vector<Job*>& windows) {
  text.group->remaining_.fetch_add(text.windows.size() - 1, std::memory_order_relaxed);
  for (Job& window : text.windows) {
    window.group = text.group;
    window.index = text.index;
    window.sequence = text.sequence;
    window.submitted = text.submitted;
    window.tokenize_time = text.tokenize_time;
    window.whole = &text;
    windows.push_back(&window);
  }
}

std::vector<Job*> Scheduler::TakeBatch() {
  std::vector<Job*> batch;
  while (batch.empty()) {
    std::vector<int> woken;
    {
      const MutexLock lock(mutex_);
      if (ready_.empty()) return batch;
      const std::int64_t share = DivideUp(ready_.tokens(), options_.lanes - busy_lanes_);
      const std::int64_t budget =
          std::min<std::int64_t>(options_.max_batch_tokens, std::max(share, kMinShareTokens));
      batch = ready_.TakeOldest(ready_.size(), budget);
      ++busy_lanes_;
      woken = WakeLocked();
    }
    GiveTurns(woken);
    std::vector<Job*> dropped;
    SplitDropped(batch, dropped);
    Finish(dropped);
    if (batch.empty()) {
      const MutexLock lock(mutex_);
      --busy_lanes_;
    }
  }
  return batch;
}

void Scheduler::Compute(std::span<Job* const> batch, int lane) {
  std::int64_t tokens = 0;
  const TimePoint start = now_();
  for (Job* job : batch) {
    tokens += job->tokens;
    job->queue_time = start - job->submitted - job->tokenize_time;
  }
  observer_.OnBatchStarted(batch, static_cast<int>(tokens));
  engine_.Compute(batch, lane);
  const Duration time = now_() - start;
  for (Job* job : batch) job->compute_time = time * job->tokens / tokens;
  observer_.OnBatchDone(batch, static_cast<int>(tokens), time);
  {
    const MutexLock lock(mutex_);
    admission_.Learn(tokens, time);
    --busy_lanes_;
  }
  Finish(batch);
}

void Scheduler::EndTurn(int lane) {
  {
    const MutexLock lock(mutex_);
    if (arrived_.empty() && ready_.empty()) {
      idle_lanes_.push_back(lane);
      // Under the lock: the destructor may run as soon as it is released.
      all_idle_.notify_all();
      return;
    }
  }
  // A new task rather than a loop: lanes of other models get their turn in between.
  GiveTurns({lane});
}

void Scheduler::Finish(std::span<Job* const> jobs) {
  if (jobs.empty()) return;
  std::int64_t tokens = 0;
  for (const Job* job : jobs) tokens += job->tokens;
  {
    const MutexLock lock(mutex_);
    backlog_tokens_ -= tokens;
  }
  for (Job* job : jobs) {
    JobGroup& group = *job->group;
    if (group.remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) group.OnAllDone();
  }
}

void Scheduler::SplitDropped(std::vector<Job*>& jobs, std::vector<Job*>& dropped) {
  const TimePoint now = now_();
  std::erase_if(jobs, [&](Job* job) {
    // The deadline first: gRPC cancels a call at its deadline, too.
    if (job->group->deadline <= now) {
      job->status = absl::DeadlineExceededError("the deadline passed before the text was computed");
      if (job->stands_for_text()) observer_.OnDropped(DropReason::kDeadline);
    } else if (job->group->cancelled()) {
      job->status = absl::CancelledError("the call was cancelled before it was computed");
      if (job->stands_for_text()) observer_.OnDropped(DropReason::kCancelled);
    } else {
      return false;
    }
    dropped.push_back(job);
    return true;
  });
}

std::vector<int> Scheduler::WakeLocked() {
  const std::size_t wanted = std::min(idle_lanes_.size(), arrived_.size() + ready_.size());
  std::vector<int> woken;
  for (std::size_t i = 0; i < wanted; ++i) {
    woken.push_back(idle_lanes_.back());
    idle_lanes_.pop_back();
  }
  return woken;
}

void Scheduler::GiveTurns(const std::vector<int>& lanes) {
  for (const int lane : lanes) executor_.Enqueue([this, lane] { Turn(lane); });
}

}  // namespace synth::scheduling
