#include "server/rpc/call_gate.h"

namespace synth::server {

bool CallGate::Enter() {
  const MutexLock lock(mutex_);
  if (is_closed_) return false;
  ++in_flight_;
  return true;
}

void CallGate::Leave() {
  const MutexLock lock(mutex_);
  if (--in_flight_ == 0) empty_.notify_all();
}

void CallGate::Close() {
  const MutexLock lock(mutex_);
  is_closed_ = true;
}

bool CallGate::WaitUntilEmpty(TimePoint deadline) {
  const MutexLock lock(mutex_);
  while (in_flight_ > 0) {
    if (!mutex_.WaitUntil(empty_, deadline)) return in_flight_ == 0;
  }
  return true;
}

}  // namespace synth::server
