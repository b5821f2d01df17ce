#ifndef SYNTH_SERVER_RPC_CONNECTION_TABLE_H_
#define SYNTH_SERVER_RPC_CONNECTION_TABLE_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/base/clock.h"
#include "server/base/defaults.h"
#include "server/base/mutex.h"
#include "server/base/sockets.h"

namespace synth::server {

// The connections that gRPC has been given, in total and for each address, and whether one more
// fits. Thread-safe.
//
// gRPC owns the descriptors and does not say when it closes one. The table therefore remembers the
// inode of each descriptor's socket. When it needs to know, it asks the kernel: if the descriptor
// is closed or has another inode, the connection has ended. Asking changes nothing, so it is safe
// while gRPC uses or closes the same descriptor. It takes about half a microsecond for a
// connection, and happens only when a limit is reached or the number is read.
class ConnectionTable {
 public:
  struct Limits {
    int total = defaults::kMaxConnections;  // > 0
    int per_address = 0;                    // of SocketAddress::Host; 0: no limit
  };
  enum class Verdict { kAdmitted, kTotalReached, kAddressReached };

  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  // Takes in the connection `descriptor`, from `host`, if both limits allow it.
  Verdict Admit(int descriptor, const std::string& host);
  // Takes it in, even above the limits.
  void AdmitAlways(int descriptor, const std::string& host);

  // Those open now.
  int CountOpen();

  // How long an address waits that has sent what no connection may.
  static constexpr std::chrono::milliseconds kDelay{500};
  // New connections from `host` shall wait for kDelay from now on.
  void Delay(const std::string& host);
  // Until when one that has come from `host` waits; a time that is past if it need not.
  TimePoint DelayedUntil(const std::string& host);

  // A connection, told apart from a later one that has its descriptor again.
  struct Key {
    int descriptor = -1;
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Key&) const = default;
    // Whether `other`, this descriptor or a duplicate of it, still stands for the connection.
    bool IsAt(int other) const;
    // A descriptor of the caller's own for the connection; an empty one if it has ended. gRPC may
    // close its descriptor at any moment, and another socket may get the number. A duplicate stays
    // what it is.
    FileDescriptor Duplicate() const;
  };
  // All that were open a moment ago. Some may have ended since.
  std::vector<Key> List();

  // Ends the server's side of all that are open. What was written to them still reaches the peer.
  void FinishSending();

 private:
  struct Connection {
    Key key;
    std::string host;
  };
  using Connections = std::unordered_map<int, Connection>;

  Verdict Check(const std::string& host) const SYNTH_REQUIRES(mutex_);
  void Add(int descriptor, const std::string& host) SYNTH_REQUIRES(mutex_);
  Connections::iterator Remove(Connections::iterator connection) SYNTH_REQUIRES(mutex_);
  void Sweep() SYNTH_REQUIRES(mutex_);

  const Limits limits_;
  Mutex mutex_;
  Connections connections_ SYNTH_GUARDED_BY(mutex_);
  std::unordered_map<std::string, int> per_host_ SYNTH_GUARDED_BY(mutex_);
  // Those whose time is past are removed when another comes.
  std::unordered_map<std::string, TimePoint> delayed_until_ SYNTH_GUARDED_BY(mutex_);
  TimePoint next_sweep_ SYNTH_GUARDED_BY(mutex_){};
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CONNECTION_TABLE_H_
