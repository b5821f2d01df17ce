#ifndef SYNTH_SERVER_RPC_CONNECTION_GUARD_H_
#define SYNTH_SERVER_RPC_CONNECTION_GUARD_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "server/base/log_limit.h"
#include "server/base/sockets.h"
#include "server/observe/metrics.h"
#include "server/rpc/channelz.h"
#include "server/rpc/connection_table.h"

namespace synth::server {

// Closes connections that cost memory or time which no limit of gRPC 1.51 sees:
//
// - Streams that are begun and reset at once (CVE-2023-44487). They do not count as open, but gRPC
//   holds each until a thread has come to it. A connection may hold max_streams_held.
// - Bytes that belong to no call: header blocks without end, padded integers, references to large
//   table entries (CVE-2023-33953), floods of small frames. A connection may send max_idle_bytes
//   while gRPC counts no new stream and no new message.
//
// The next connections from the same address wait (ConnectionTable::Delay), so that one that comes
// back at once does not keep gRPC busy with what it left behind.
//
// The kernel counts a connection's bytes, and gRPC's channelz its streams. A sweep asks the kernel
// for every connection, in about a microsecond, and channelz only for those that sent kLook since.
class ConnectionGuard {
 public:
  struct Limits {
    std::int64_t max_streams_held = 0;
    std::int64_t max_idle_bytes = 0;
  };
  // Bytes that a connection sends unwatched. A stream that is begun and reset needs about 50.
  static constexpr std::int64_t kLook = 1 << 14;

  // What gRPC counts. Tests put their own in its place.
  struct Counters {
    std::function<std::unordered_map<std::string, std::int64_t>()> list = ListGrpcSockets;
    std::function<std::optional<GrpcSocketCounts>(std::int64_t)> read = ReadGrpcSocket;
  };

  ConnectionGuard(const Limits& limits, ConnectionTable& table, const ConnectionMetrics& metrics)
      : ConnectionGuard(limits, table, metrics, Counters()) {}
  ConnectionGuard(const Limits& limits, ConnectionTable& table, const ConnectionMetrics& metrics,
                  Counters counters)
      : limits_(limits), table_(table), metrics_(metrics), counters_(std::move(counters)) {}

  // Looks at every connection once, and closes those above a limit. Not while the guard runs.
  void Sweep();

  // Sweeps on a thread of its own until it is destroyed: every kInterval, or less often, so that
  // sweeps take at most a part in kShare of one core.
  void Start();
  static constexpr std::chrono::milliseconds kInterval{20};
  static constexpr int kShare = 50;

 private:
  struct Watched {
    ConnectionTable::Key key;
    std::int64_t number = 0;       // gRPC's; 0: not known yet
    std::int64_t looked_at = 0;    // bytes received when channelz was last asked
    std::int64_t progress = 0;     // streams and messages then
    std::int64_t progress_at = 0;  // bytes received when progress was first seen
  };

  void Run(const std::stop_token& stop);
  void Look(Watched& watched, std::int64_t received);
  std::int64_t FindNumber(int descriptor);
  void Close(const Watched& watched, ConnectionMetrics::Abuse reason);

  const Limits limits_;
  ConnectionTable& table_;
  const ConnectionMetrics& metrics_;
  const Counters counters_;
  std::unordered_map<int, Watched> watched_;  // by descriptor
  // Of one sweep; read when a connection is looked at for the first time.
  std::optional<std::unordered_map<std::string, std::int64_t>> numbers_;
  LogLimit<ConnectionMetrics::Abuse> reports_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_CONNECTION_GUARD_H_
