#ifndef SYNTH_SERVER_BASE_SIGNALS_H_
#define SYNTH_SERVER_BASE_SIGNALS_H_

#include <csignal>

#include "absl/functional/function_ref.h"
#include "server/base/clock.h"

namespace synth::server {

// The signals of the process, taken by the thread that calls WaitForStop. Constructed before the
// process starts its first thread: threads inherit what is blocked.
//
// SIGTERM and SIGINT stop. SIGHUP, SIGUSR1 and SIGUSR2, which would end the process without a
// drain, are logged and do nothing. SIGPIPE is ignored: a reader that goes away is an error of a
// write.
class Signals {
 public:
  Signals();

  // Waits for SIGTERM or SIGINT and returns which. Calls `tick` every `interval` meanwhile. From
  // then on a second one ends the process at once.
  int WaitForStop(Duration interval, absl::FunctionRef<void()> tick) const;

 private:
  sigset_t all_{};
  sigset_t stop_{};
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_SIGNALS_H_
