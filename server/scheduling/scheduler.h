#ifndef SYNTH_SERVER_SCHEDULING_SCHEDULER_H_
#define SYNTH_SERVER_SCHEDULING_SCHEDULER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "server/base/defaults.h"
#include "server/base/mutex.h"
#include "server/scheduling/admission.h"
#include "server/scheduling/arena.h"
#include "server/scheduling/cost_model.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"
#include "server/scheduling/job_queue.h"
#include "server/scheduling/tag_sums.h"

namespace synth::scheduling {

// Queues the texts of one model and runs them in batches over its lanes.
//
// A lane is a turn-taking worker: in one turn it tokenizes what has arrived until a batch is full,
// or for some milliseconds, takes the next tokenized texts, and computes them. Batches are
// therefore formed when a lane is free and never earlier (late binding): an idle server computes a
// lone text at once, a busy one finds full batches waiting, and no timer is needed. Lanes that are
// idle share what is queued.
//
// Calls are served in fair order (FairClock), over all models of the arena: a short call overtakes
// a long one. Within a call, texts keep their order. One turn in eight begins with the call that
// waits longest, so that a long call gets an eighth of the lanes at least, whatever else comes.
// A text that takes long to tokenize never has all lanes (if there are two or more).
//
// Thread-safe.
class Scheduler {
 public:
  struct Options {
    // 1 or more, and those of the arena; lanes of one scheduler never share an id at the same time.
    int lanes = 1;
    // Tokens of one batch, 1 or more. A longer text is a batch of its own. Beyond a few hundred
    // tokens the engine gets no faster per token, and everything in a batch waits for its last
    // text.
    int max_batch_tokens = defaults::kMaxBatchTokens;
    // Tokens to be computed, and one more for each 256 bytes of text, that may be queued or
    // computing ahead of a call. No call counts with more than half of it.
    std::int64_t max_queue_tokens = defaults::kMaxQueueTokens;
    // Longest predicted wait that is accepted, in the backlog of all models of the arena.
    Duration max_queue_time = defaults::kMaxQueueTime;
  };

  // `engine`, `arena` and `observer` must outlive the scheduler. `now` is the clock, for tests.
  Scheduler(const Options& options, Engine& engine, Arena& arena, Observer& observer,
            std::function<TimePoint()> now = Clock::now);
  // With an arena of its own.
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
  Scheduler(const Options& options, Engine& engine, std::unique_ptr<Arena> own_arena, Arena* arena,
            Observer& observer, std::function<TimePoint()> now);

  // Fills what the order and the predictions need. Returns the longest tokenizing of a text.
  double PredictLocked(JobGroup& group, std::span<Job> jobs) SYNTH_REQUIRES(mutex_);
  // Takes the jobs in, with that place in the fair order.
  void AdmitLocked(JobGroup& group, std::span<Job> jobs, double tag) SYNTH_REQUIRES(mutex_);
  // The same when a text is tokenized and is to be computed: its exact cost, that of its windows.
  void RevalueLocked(Job& text) SYNTH_REQUIRES(mutex_);
  // Changes what the group holds of the queue.
  void HoldLocked(JobGroup& group, double tag, std::int64_t tokens, std::int64_t jobs)
      SYNTH_REQUIRES(mutex_);

  // One turn of a lane; enqueues the next turn, or leaves the lane idle.
  void Turn(int lane);
  void TokenizeArrivals(JobQueue::First first);
  // The texts that a lane may tokenize next; null if there are none.
  JobQueue* NextArrivalsLocked(JobQueue::First first) SYNTH_REQUIRES(mutex_);
  bool MayTakeLongLocked() const SYNTH_REQUIRES(mutex_);
  void Tokenize(std::span<Job* const> chunk, bool is_long);
  // Makes jobs of the text's windows, which stand in its place from now on.
  static void Split(Job& text, std::vector<Job*>& windows);
  std::vector<Job*> TakeBatch(JobQueue::First first);
  void Compute(std::span<Job* const> batch, int lane);
  void EndTurn(int lane);

  // Finishes jobs: gives their tokens back first, so that whoever sees an answer also finds the
  // room.
  void Finish(std::span<Job* const> jobs);
  // Whether nobody waits for the job any more; sets its status then.
  bool IsDropped(Job& job);
  // Moves the jobs that nobody waits for any more from `jobs` to `dropped`, with their status set.
  void SplitDropped(std::vector<Job*>& jobs, std::vector<Job*>& dropped);
  // Tells the arena which call is next.
  void ShowFirstLocked() SYNTH_REQUIRES(mutex_);
  // The idle lanes that there is work for; they are idle no more and must be given a turn.
  std::vector<int> WakeLocked() SYNTH_REQUIRES(mutex_);
  void GiveTurns(const std::vector<int>& lanes);

  // Constant after construction.
  const Options options_;
  Engine& engine_;
  const std::unique_ptr<Arena> own_arena_;
  Arena& arena_;
  Observer& observer_;
  const std::function<TimePoint()> now_;

  Arena::Member member_;
  mutable Mutex mutex_;
  std::condition_variable all_idle_;
  Admission admission_ SYNTH_GUARDED_BY(mutex_);
  JobQueue arrived_ SYNTH_GUARDED_BY(mutex_);  // to be tokenized, short
  JobQueue long_ SYNTH_GUARDED_BY(mutex_);     // to be tokenized, each taking long
  JobQueue ready_ SYNTH_GUARDED_BY(mutex_);    // to be computed
  std::vector<int> idle_lanes_ SYNTH_GUARDED_BY(mutex_);
  CostModel costs_ SYNTH_GUARDED_BY(mutex_);
  TagSums tokens_ SYNTH_GUARDED_BY(mutex_);  // queued or computing: the calls' shares
  std::uint64_t next_sequence_ SYNTH_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_call_ SYNTH_GUARDED_BY(mutex_) = 0;
  std::uint64_t turns_ SYNTH_GUARDED_BY(mutex_) = 0;
  int busy_lanes_ SYNTH_GUARDED_BY(mutex_) = 0;
  int long_lanes_ SYNTH_GUARDED_BY(mutex_) = 0;  // tokenizing a text that takes long
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_SCHEDULER_H_
