#ifndef SYNTH_SERVER_SCHEDULING_ENGINE_H_
#define SYNTH_SERVER_SCHEDULING_ENGINE_H_

#include <functional>
#include <span>

#include "absl/status/status.h"
#include "server/scheduling/job.h"

namespace synth::scheduling {

// What the lanes run. Different lanes call at the same time; one lane calls from one thread at a
// time.
class Engine {
 public:
  virtual ~Engine() = default;

  // A guess at the tokens that the job's text will cost, cheap enough for the thread that submits.
  virtual int PredictTokens(const Job& job) const = 0;

  // Fills job.original_tokens, job.tokens (at least 1), and job.token_ids or, for a text that is
  // computed in windows, those of job.windows. An error fails this job alone.
  virtual absl::Status Tokenize(Job& job) = 0;

  // Computes a batch (never empty) in `lane` and calls each job's OnHidden.
  virtual void Compute(std::span<Job* const> batch, int lane) = 0;
};

// Where lanes run. Tasks may run at once, in any order; Enqueue returns at once and never runs the
// task inside the call.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Enqueue(std::function<void()> task) = 0;
};

// Why work was not done.
enum class RefusalReason { kQueueFull, kPredictedWait, kDeadline };
enum class DropReason { kCancelled, kDeadline };

// Is told what the scheduler does, for metrics. Called from lanes and submitters: must be quick and
// thread-safe.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnRefused(RefusalReason reason) = 0;
  virtual void OnDropped(DropReason reason) = 0;
  virtual void OnTokenized(const Job& job) = 0;
  virtual void OnBatchStarted(std::span<Job* const> batch, int tokens) = 0;
  virtual void OnBatchDone(std::span<Job* const> batch, int tokens, Duration compute_time) = 0;
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_ENGINE_H_
