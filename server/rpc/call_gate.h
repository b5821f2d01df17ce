#ifndef SYNTH_SERVER_RPC_CALL_GATE_H_
#define SYNTH_SERVER_RPC_CALL_GATE_H_

#include <condition_variable>

#include "server/base/mutex.h"
#include "server/scheduling/job.h"

namespace synth::server {

// Counts the calls in flight, and refuses new ones once the server drains. Thread-safe.
//
// gRPC's own shutdown ends late calls with CANCELLED, which clients do not retry. A closed gate
// ends them with UNAVAILABLE, which clients do retry.
class CallGate {
 public:
  // Takes a call in, or refuses it. Each call taken in must Leave.
  bool Enter();
  void Leave();

  // No call is taken in any more.
  void Close();
  // Waits until the last call has left; false if some have not at `deadline`. The gate must be
  // closed.
  bool WaitUntilEmpty(TimePoint deadline);

 private:
  Mutex mutex_;
  std::condition_variable empty_;
  bool is_closed_ SYNTH_GUARDED_BY(mutex_) = false;
  int in_flight_ SYNTH_GUARDED_BY(mutex_) = 0;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CALL_GATE_H_
