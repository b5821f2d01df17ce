#include "server/scheduling/fair_clock.h"

namespace synth::scheduling {

void FairClock::Serve(double seconds) {
  while (!tags_.empty()) {
    const auto calls = static_cast<double>(tags_.size());
    const double next = tags_.top();
    // What it takes until the first call would be done with equal shares.
    const double needed = (next - now_) * calls;
    if (needed > seconds) {
      now_ += seconds / calls;
      return;
    }
    if (next > now_) {
      now_ = next;
      seconds -= needed;
    }
    tags_.pop();
  }
}

}  // namespace synth::scheduling
