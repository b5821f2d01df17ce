#include "client/load/arrivals.h"

#include <utility>

namespace synth::load {
namespace {

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

}  // namespace

Arrivals::Arrivals(double per_second, Spacing spacing, uint64_t seed)
    : per_second_(per_second), spacing_(spacing), random_(seed), gap_seconds_(per_second) {}

std::chrono::nanoseconds Arrivals::Next() {
  if (spacing_ == Spacing::kPoisson) {
    elapsed_seconds_ += gap_seconds_(random_);
    return FromSeconds(elapsed_seconds_);
  }
  // From the count, not by adding up gaps: rounding must not make the rate drift.
  return FromSeconds(static_cast<double>(count_++) / per_second_);
}

Pacer::Pacer(Arrivals arrivals, std::chrono::nanoseconds end)
    : arrivals_(arrivals), end_(end), next_(arrivals_.Next()) {}

std::optional<std::chrono::nanoseconds> Pacer::NextDue() const {
  if (next_ >= end_) return std::nullopt;
  return next_;
}

std::optional<std::chrono::nanoseconds> Pacer::TakeDue(std::chrono::nanoseconds now) {
  if (next_ >= end_ || next_ > now) return std::nullopt;
  return std::exchange(next_, arrivals_.Next());
}

}  // namespace synth::load
