#ifndef SYNTH_SERVER_RPC_HEALTH_PROBE_H_
#define SYNTH_SERVER_RPC_HEALTH_PROBE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/base/sockets.h"

namespace synth::server {

// Asks the server, over a new connection each time, what a client would: grpc.health.v1 Check. So
// it sees what a flag does not: that nobody accepts connections, or that no thread answers.
class HealthProbe {
 public:
  struct Options {
    std::chrono::milliseconds interval{1'000};  // from one answer to the next question; > 0
    std::chrono::milliseconds timeout{1'000};   // of one round trip; > 0
    // How old the last good answer may be: an interval and a timeout, so that a round trip that is
    // slow but in time does not count as a failure.
    std::chrono::milliseconds patience{2'000};
  };
  // A socket that is connected, or connecting, to the server.
  using Connect = std::function<absl::StatusOr<FileDescriptor>()>;

  // Asks once before it returns, and then on a thread of its own until it is destroyed.
  HealthProbe(Connect connect, const Options& options);
  ~HealthProbe();
  HealthProbe(const HealthProbe&) = delete;
  HealthProbe& operator=(const HealthProbe&) = delete;

  // Whether the server answered SERVING not longer ago than `patience`. Does not wait. Thread-safe.
  bool is_healthy() const;

 private:
  void Run();
  void Ask();

  const Connect connect_;
  const Options options_;
  std::atomic<Duration> last_good_;  // since the clock's epoch
  Mutex mutex_;
  std::condition_variable wake_;
  bool is_stopped_ SYNTH_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_HEALTH_PROBE_H_
