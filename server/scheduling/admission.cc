#include "server/scheduling/admission.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace synth::scheduling {
namespace {

// The reserve follows a quantile of how wrong predictions are: a call that takes longer than its
// reserve allows raises it by a step, one that does not lowers it by a step / 199, so that it rests
// where one call in 200 takes longer.
constexpr double kLateShare = 1.0 / 200;
constexpr double kReserveStep = 0.02;
constexpr double kMaxReserve = 1;

// What is shorter says more about a thread's luck than about the prediction.
constexpr Duration kLeastLearned = std::chrono::milliseconds(50);

// With nothing ahead, one call in so many is taken whatever is predicted of it: the prediction may
// be old, and only work renews it.
constexpr int kTrial = 16;

double Milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void Admission::Learn(Duration predicted, Duration took) {
  if (predicted < kLeastLearned) return;
  const bool is_late = Milliseconds(took) > Milliseconds(predicted) * (1 + reserve_);
  const double step = is_late ? kReserveStep : -kReserveStep * kLateShare / (1 - kLateShare);
  reserve_ = std::clamp(reserve_ + step, kMinReserve, kMaxReserve);
}

std::int64_t Admission::Share(std::int64_t tokens) const {
  return std::min(tokens, std::max<std::int64_t>(1, options_.max_queue_tokens / 2));
}

std::optional<Refusal> Admission::Check(const Request& request) {
  const bool is_first = request.tokens_ahead == 0 && request.wait == Duration::zero();
  const Duration wait = request.wait;
  // What is ahead halves in half the time: come back to a shorter queue, not to an idle server.
  const Duration retry_after =
      std::clamp<Duration>(wait / 2, std::chrono::milliseconds(1), std::chrono::seconds(10));
  const std::int64_t limit = options_.max_queue_tokens;
  const std::int64_t share = Share(request.tokens);
  if (request.tokens_ahead > 0 && request.tokens_ahead + share > limit) {
    return Refusal{
        RefusalReason::kQueueFull,
        absl::StrFormat("the queue is full: %d tokens wait before this call, it has about %d, the "
                        "limit is %d",
                        request.tokens_ahead, request.tokens, limit),
        retry_after};
  }
  if (request.tokens_there > 0 && request.tokens_there + share > 2 * limit) {
    return Refusal{RefusalReason::kQueueFull,
                   absl::StrFormat("the queue is full: %d tokens wait, this call has about %d, the "
                                   "limit for calls of all lengths together is %d",
                                   request.tokens_there, request.tokens, 2 * limit),
                   retry_after};
  }
  if (wait > options_.max_queue_time) {
    return Refusal{RefusalReason::kPredictedWait,
                   absl::StrFormat("the wait would be about %.0f ms, the limit is %.0f ms",
                                   Milliseconds(wait), Milliseconds(options_.max_queue_time)),
                   retry_after};
  }
  // The deadline may be TimePoint::max(): nothing is added to it.
  const Duration left = request.deadline - request.now;
  const Duration reserve =
      is_first ? Duration::zero()
               : std::chrono::duration_cast<Duration>((wait + request.alone) * reserve_);
  if (left >= wait + request.alone + reserve) {
    if (is_first) refused_alone_ = 0;
    return std::nullopt;
  }
  if (is_first && left > Duration::zero() && ++refused_alone_ % kTrial == 0) return std::nullopt;
  return Refusal{
      RefusalReason::kDeadline,
      absl::StrFormat("the wait would be about %.0f ms and the work about %.0f ms, the "
                      "call's deadline is in %.0f ms",
                      Milliseconds(wait), Milliseconds(request.alone), Milliseconds(left)),
      retry_after};
}

}  // namespace synth::scheduling
