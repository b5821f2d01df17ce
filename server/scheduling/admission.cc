#include "server/scheduling/admission.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace synth::scheduling {
namespace {

// Weight of the newest batch: the memory is about 20 batches, long enough to even out batch sizes,
// short enough to follow a throttled CPU.
constexpr double kNewest = 0.05;

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::optional<Refusal> Admission::Check(std::int64_t tokens, std::int64_t backlog_tokens,
                                        TimePoint now, TimePoint deadline) const {
  if (backlog_tokens == 0) return std::nullopt;
  const Duration wait = Predict(backlog_tokens);
  // The backlog halves in half the time: come back to a shorter queue, not to an idle server.
  const Duration retry_after =
      std::clamp<Duration>(wait / 2, std::chrono::milliseconds(1), std::chrono::seconds(10));
  if (backlog_tokens + tokens > options_.max_queue_tokens) {
    return Refusal{RefusalReason::kQueueFull,
                   absl::StrFormat(
                       "the queue is full: %d tokens wait, this call has about %d, the limit is %d",
                       backlog_tokens, tokens, options_.max_queue_tokens),
                   retry_after};
  }
  if (wait > options_.max_queue_time) {
    return Refusal{RefusalReason::kPredictedWait,
                   absl::StrFormat("the wait would be about %.0f ms, the limit is %.0f ms",
                                   Milliseconds(wait), Milliseconds(options_.max_queue_time)),
                   retry_after};
  }
  // Subtracted this way round: deadline may be TimePoint::max().
  if (deadline - now < wait) {
    return Refusal{
        RefusalReason::kDeadline,
        absl::StrFormat("the wait would be about %.0f ms, the call's deadline is in %.0f ms",
                        Milliseconds(wait), Milliseconds(deadline - now)),
        retry_after};
  }
  return std::nullopt;
}

void Admission::Learn(std::int64_t tokens, Duration time) {
  const double measured = std::chrono::duration<double>(time).count() / static_cast<double>(tokens);
  seconds_per_token_ =
      seconds_per_token_ == 0 ? measured : (1 - kNewest) * seconds_per_token_ + kNewest * measured;
}

Duration Admission::Predict(std::int64_t tokens) const {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
      static_cast<double>(tokens) * seconds_per_token_ / options_.lanes));
}

}  // namespace synth::scheduling
