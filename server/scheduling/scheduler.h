#ifndef SYNTH_SERVER_SCHEDULING_SCHEDULER_H_
#define SYNTH_SERVER_SCHEDULING_SCHEDULER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "server/base/mutex.h"
#include "server/scheduling/admission.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"
#include "server/scheduling/job_queue.h"

namespace synth::scheduling {

// Queues the texts of one model and runs them in batches over its lanes.
//
// A lane is a turn-taking worker: in one turn it tokenizes what has arrived until a batch is full
// (or, where something can be computed already, for some milliseconds), takes the oldest tokenized
// texts, and computes them. Batches are therefore formed when a lane is free and never earlier
// (late binding): an idle server computes a lone text at once, a busy one finds full batches
// waiting, and no timer is needed. Lanes that are idle share what is queued.
//
// Thread-safe.
class Scheduler {
 public:
  struct Options {
    int lanes = 1;  // 1 or more; lanes of one scheduler never share an id at the same time
    // Tokens of one batch, 1 or more. A longer text is a batch of its own. Beyond a few hundred
    // tokens the engine gets no faster per token, and everything in a batch waits for its last
    // text.
    int max_batch_tokens = 512;
    std::int64_t max_queue_tokens = 65536;
    Duration max_queue_time = std::chrono::seconds(10);
  };

  // `engine`, `executor` and `observer` must outlive the scheduler. `now` is the clock, for tests.
  Scheduler(const Options& options, Engine& engine, Executor& executor, Observer& observer,
            std::function<TimePoint()> now = Clock::now);

  // Waits until every lane is idle. Nothing may be submitted any more.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Takes in all jobs of a group (one or more), or none. Returns at once. When it was taken in, the
  // group's OnAllDone may have been called, on another thread, before this returns.
  std::optional<Refusal> Submit(JobGroup& group, std::span<Job> jobs);

  struct Load {
    std::int64_t queued_texts = 0;
    std::int64_t queued_tokens = 0;  // not yet in a batch
    int busy_lanes = 0;              // computing a batch
  };
  Load load() const;

 private:
  // One turn of a lane; enqueues the next turn, or leaves the lane idle.
  void Turn(int lane);
  void TokenizeArrivals();
  void Tokenize(std::span<Job* const> chunk);
  // Makes jobs of the text's windows, which stand in its place from now on.
  static void Split(Job& text, std::vector<Job*>& windows);
  std::vector<Job*> TakeBatch();
  void Compute(std::span<Job* const> batch, int lane);
  void EndTurn(int lane);

  // Finishes jobs: gives their tokens back first, so that whoever sees an answer also finds the
  // room.
  void Finish(std::span<Job* const> jobs);
  // Moves the jobs that nobody waits for any more from `jobs` to `dropped`, with their status set.
  void SplitDropped(std::vector<Job*>& jobs, std::vector<Job*>& dropped);
  // The idle lanes that there is work for; they are idle no more and must be given a turn.
  std::vector<int> WakeLocked() SYNTH_REQUIRES(mutex_);
  void GiveTurns(const std::vector<int>& lanes);

  // Constant after construction.
  const Options options_;
  Engine& engine_;
  Executor& executor_;
  Observer& observer_;
  const std::function<TimePoint()> now_;

  mutable Mutex mutex_;
  std::condition_variable all_idle_;
  Admission admission_ SYNTH_GUARDED_BY(mutex_);
  JobQueue arrived_ SYNTH_GUARDED_BY(mutex_);  // to be tokenized
  JobQueue ready_ SYNTH_GUARDED_BY(mutex_);    // to be computed
  std::vector<int> idle_lanes_ SYNTH_GUARDED_BY(mutex_);
  std::uint64_t next_sequence_ SYNTH_GUARDED_BY(mutex_) = 0;
  std::int64_t backlog_tokens_ SYNTH_GUARDED_BY(mutex_) = 0;  // queued or computing
  int busy_lanes_ SYNTH_GUARDED_BY(mutex_) = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_SCHEDULER_H_
