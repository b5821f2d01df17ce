#ifndef SYNTH_SERVER_SCHEDULING_ADMISSION_H_
#define SYNTH_SERVER_SCHEDULING_ADMISSION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/scheduling/engine.h"
#include "server/scheduling/job.h"

namespace synth::scheduling {

// A call that was not taken in: nothing of it was queued.
struct Refusal {
  RefusalReason reason = RefusalReason::kQueueFull;
  std::string message;
  Duration retry_after{};  // when the backlog should have gone
};

// Decides, before anything is queued, whether a call can be met. Costs are predicted: tokens times
// the measured time per token, over the lanes. Not thread-safe: the scheduler guards it.
class Admission {
 public:
  struct Options {
    int lanes = 1;
    std::int64_t max_queue_tokens = 65536;               // 1 or more
    Duration max_queue_time = std::chrono::seconds(10);  // longest predicted wait that is accepted
  };
  explicit Admission(const Options& options) : options_(options) {}

  // Whether `tokens` more may join a backlog of `backlog_tokens` (queued and computing) at `now`,
  // for a caller who waits until `deadline`. With nothing ahead everything is admitted, however
  // large.
  std::optional<Refusal> Check(std::int64_t tokens, std::int64_t backlog_tokens, TimePoint now,
                               TimePoint deadline) const;

  // A batch of `tokens` took `time` on one lane.
  void Learn(std::int64_t tokens, Duration time);

  // How long `tokens` keep the lanes busy; zero before the first batch.
  Duration Predict(std::int64_t tokens) const;

 private:
  const Options options_;
  double seconds_per_token_ = 0;  // on one lane, smoothed
};

}  // namespace synth::scheduling

#endif  // SYNTH_SERVER_SCHEDULING_ADMISSION_H_
