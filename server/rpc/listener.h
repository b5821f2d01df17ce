#ifndef SYNTH_SERVER_RPC_LISTENER_H_
#define SYNTH_SERVER_RPC_LISTENER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/base/defaults.h"
#include "server/base/log_limit.h"
#include "server/base/mutex.h"
#include "server/base/sockets.h"
#include "server/observe/metrics.h"
#include "server/rpc/connection_table.h"

namespace synth::server {

// Accepts the connections of the gRPC port on a thread of its own, and hands them on.
//
// gRPC can listen by itself. But gRPC 1.51 stops for good when accept fails once, for example
// because the descriptors ran out (CVE-2023-4785), and it takes any number of connections. Here a
// shortage pauses accepting for kPause, and a connection above a limit is closed at once and
// counted. One whose address is delayed (ConnectionTable::Delay) is accepted, and handed on later.
class Listener {
 public:
  // How long accepting pauses when descriptors or memory run out.
  static constexpr std::chrono::milliseconds kPause{100};

  struct Options {
    ConnectionTable::Limits limits;
    // A connection ends if its peer acknowledges none of the bytes sent to it for this long. 0: the
    // system's own limit, about 15 minutes.
    std::chrono::milliseconds send_timeout = defaults::kKeepaliveTimeout;
  };
  // Takes over an accepted socket: non-blocking, closed on exec, without Nagle's delay.
  using Handler = std::function<void(int descriptor)>;

  // Listens on "host:port" (see ListenOn, also for errors). Clients can connect from here on, and
  // wait until Start. `metrics` must outlive the listener.
  static absl::StatusOr<std::unique_ptr<Listener>> Listen(const std::string& address,
                                                          const Options& options,
                                                          const ConnectionMetrics& metrics);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Once. The handler is called from the listener's thread and must not block.
  void Start(Handler handler);

  // Returns when no handler runs and none will. From then on the system refuses new connections;
  // those that were handed on stay open. May be called again.
  void Stop();

  int port() const { return sockets_.address.port(); }
  // Connections handed on that are open now.
  int CountOpen() { return table_.CountOpen(); }
  ConnectionTable& connections() { return table_; }

  // Opens a connection to this listener, for a probe. It is accepted like every other, but no limit
  // refuses it. Does not block. One at a time. UNAVAILABLE if no descriptor is left for it.
  absl::StatusOr<FileDescriptor> ConnectToSelf();

 private:
  Listener(ListeningSockets sockets, const Options& options, const ConnectionMetrics& metrics);
  void Run();
  // Milliseconds until the next delayed connection is to be handed on, for poll(); -1: there is
  // none.
  int UntilNextDelayed() const;
  // Hands on those whose time has come.
  void HandOnDelayed();
  // True if accepting must pause.
  bool AcceptAll(int listening);
  void Take(FileDescriptor connection, const SocketAddress& peer);
  bool IsSelf(const SocketAddress& peer);
  void Report(const char* event, const std::string& reason);

  ListeningSockets sockets_;
  const Options options_;
  const ConnectionMetrics& metrics_;
  ConnectionTable table_;
  Handler handler_;
  struct Delayed {
    TimePoint until;
    FileDescriptor connection;
  };
  std::vector<Delayed> delayed_;  // of the thread; the table's limits bound them
  FileDescriptor wake_;           // readable when the thread must end
  Mutex mutex_;
  std::optional<SocketAddress> self_ SYNTH_GUARDED_BY(mutex_);  // the peer that ConnectToSelf made
  std::thread thread_;
  LogLimit<std::string_view> reports_;  // by event
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_LISTENER_H_
