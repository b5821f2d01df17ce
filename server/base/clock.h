#ifndef SYNTH_SERVER_BASE_CLOCK_H_
#define SYNTH_SERVER_BASE_CLOCK_H_

#include <chrono>

namespace synth {

// The clock of everything that waits or is measured: it never jumps.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

}  // namespace synth

#endif  // SYNTH_SERVER_BASE_CLOCK_H_
