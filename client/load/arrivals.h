// When the requests of an open-loop load are due. No clock in here: time comes in as an argument.
#ifndef SYNTH_CLIENT_LOAD_ARRIVALS_H_
#define SYNTH_CLIENT_LOAD_ARRIVALS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace synth::load {

// The instants, as offsets from the start of the run, at which requests are due. They depend on
// nothing but these arguments: a slow server or a slow client moves none of them.
class Arrivals {
 public:
  enum class Spacing {
    kConstant,  // one request every 1 / rate seconds
    kPoisson,   // independent exponential gaps with that mean, as from many independent users
  };

  // `per_second` > 0. The first arrival is at 0, or one random gap after it.
  Arrivals(double per_second, Spacing spacing, uint64_t seed);

  // The instants one by one, ascending, without end.
  std::chrono::nanoseconds Next();

 private:
  const double per_second_;
  const Spacing spacing_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> gap_seconds_;
  uint64_t count_ = 0;
  double elapsed_seconds_ = 0;  // up to the last Poisson arrival
};

// Walks through the arrivals before `end` as time passes.
class Pacer {
 public:
  Pacer(Arrivals arrivals, std::chrono::nanoseconds end);

  // The next arrival, due or not; nothing when all have been taken. Sleep until then.
  std::optional<std::chrono::nanoseconds> NextDue() const;

  // Takes the next arrival if it is due at `now`; call it until it has nothing more to give. An
  // arrival that is overdue is handed out with the time at which it was due.
  std::optional<std::chrono::nanoseconds> TakeDue(std::chrono::nanoseconds now);

 private:
  Arrivals arrivals_;
  const std::chrono::nanoseconds end_;
  std::chrono::nanoseconds next_;
};

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_ARRIVALS_H_
