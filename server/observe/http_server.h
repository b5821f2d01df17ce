#ifndef SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_
#define SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "server/base/clock.h"
#include "server/base/sockets.h"

namespace synth::server {

// /metrics and /healthz over plain HTTP, for Prometheus and for probes that cannot speak gRPC.
//
// One thread serves all connections, and none of them can hold it up: sockets never block, a
// request has at most kMaxHttpRequestBytes, and one deadline covers a connection from its start to
// its end. When all places are taken, those of one address or those of everybody, the oldest idle
// connection among them gives up its own, so that a newcomer is always heard. Each connection
// serves one request. docs/adr/0013 says why this is not a library.
class HttpServer {
 public:
  struct Handlers {
    // The Prometheus text format. Under a flood of requests an answer is used again for ten times
    // as long as it took to make, so that the flood takes a tenth of the thread.
    std::function<std::string()> metrics;
    // /healthz: 200, or else 503. Must return at once.
    std::function<bool()> is_serving;
  };
  struct Limits {
    std::size_t connections = 128;              // > 0
    std::size_t per_address = 64;               // > 0; of SocketAddress::Host
    std::chrono::milliseconds deadline{5'000};  // > 0; of one connection, all in all
  };

  // Listens on "host:port" (see ListenOn, also for errors). The handlers are called from the
  // server's own thread and must outlive it.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           Handlers handlers, Limits limits);
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           Handlers handlers) {
    return Start(address, std::move(handlers), Limits());
  }

  // Ends all connections.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return sockets_.address.port(); }

 private:
  enum class State { kReading, kWriting, kClosing };
  struct Connection {
    FileDescriptor socket;
    std::string host;
    TimePoint deadline;
    State state = State::kReading;
    std::string bytes;      // received while reading, to be sent while writing
    std::size_t count = 0;  // bytes sent while writing, dropped while closing
  };
  // The oldest first.
  using Connections = std::list<Connection>;

  HttpServer(ListeningSockets sockets, Handlers handlers, Limits limits);
  void Run();
  int PollTimeout(bool is_paused) const;
  // True if accepting must pause.
  bool AcceptAll(int listening);
  void MakeRoomFor(const std::string& host);
  // The oldest idle one; of `host` alone if there is one.
  void CloseOldest(const std::string* host);
  // Does what can be done without waiting. False when the connection is done.
  bool Advance(Connection& connection);
  bool Read(Connection& connection);
  bool Write(Connection& connection);
  static bool Drop(Connection& connection);
  std::string Respond(const Connection& connection);
  const std::string& MetricsText();

  ListeningSockets sockets_;
  const Handlers handlers_;
  const Limits limits_;
  FileDescriptor wake_;  // readable when the thread must end

  // Of the thread alone.
  Connections connections_;
  std::string metrics_text_;
  TimePoint metrics_expire_{};

  std::thread thread_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_
