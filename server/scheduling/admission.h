#ifndef SYNTH_SERVER_SCHEDULING_ADMISSION_H_
#define SYNTH_SERVER_SCHEDULING_ADMISSION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/base/defaults.h"
#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"

namespace synth::scheduling {

// A call that was not taken in: nothing of it was queued.
struct Refusal {
  RefusalReason reason = RefusalReason::kQueueFull;
  std::string message;
  Duration retry_after{};  // when about half of what is ahead should have gone
};

// Decides, before anything is queued, whether a call can be met. Not thread-safe: the scheduler
// guards it.
class Admission {
 public:
  struct Options {
    std::int64_t max_queue_tokens = defaults::kMaxQueueTokens;  // 1 or more
    Duration max_queue_time = defaults::kMaxQueueTime;  // longest predicted wait that is accepted
  };
  explicit Admission(const Options& options) : options_(options) {}

  // A call that wants to be taken in. What is ahead is what stands before it in the fair order,
  // queued or computing.
  struct Request {
    std::int64_t tokens = 0;
    std::int64_t tokens_ahead = 0;  // of its model, each call with its Share
    std::int64_t tokens_there = 0;  // ahead and behind
    Duration wait{};                // predicted, for all models that share the lanes
    Duration alone{};               // what the call takes with all lanes to itself, predicted
    TimePoint now;
    TimePoint deadline = TimePoint::max();
  };
  // No call holds more than half of the queue while others wait: what it has beyond that does not
  // count against them. Calls of any size are therefore taken when nothing is ahead. Behind a call
  // the queue may grow by as much again, for shorter calls that overtake it.
  std::optional<Refusal> Check(const Request& request);

  // What became of a call that was taken: `predicted` is the wait and the work of its request,
  // `took` how long it was there until its last text was done or dropped.
  void Learn(Duration predicted, Duration took);

  // Of what is predicted, kept free before a deadline: so much that one call in 200 takes longer.
  double reserve() const { return reserve_; }

  // How much of the queue a call with that many tokens takes.
  std::int64_t Share(std::int64_t tokens) const;

 private:
  // Batches do not all take the same time.
  static constexpr double kMinReserve = 0.1;

  const Options options_;
  double reserve_ = kMinReserve;
  int refused_alone_ = 0;  // calls in a row that were refused with nothing ahead
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_ADMISSION_H_
