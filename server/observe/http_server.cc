#include "server/observe/http_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/observe/http_request.h"
#include "server/observe/metrics.h"

namespace synth::server {
namespace {

// How long a shortage of descriptors or memory holds accepting up.
constexpr std::chrono::milliseconds kPause{100};

// Connections accepted before those that are open get a turn.
constexpr int kAcceptsAtATime = 32;

// What a client sends after its request is read and dropped, up to here: a socket that is closed
// with unread bytes resets the connection, and the client may never see its answer.
constexpr std::size_t kMaxDropped = 1 << 16;

constexpr int kMetricsShare = 10;

constexpr const char* kPlainText = "text/plain; charset=utf-8";

bool WouldBlock(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address,
                                                              Handlers handlers, Limits limits) {
  absl::StatusOr<ListeningSockets> sockets = ListenOn(address);
  if (!sockets.ok()) return sockets.status();
  // NOLINTNEXTLINE(modernize-make-unique): the constructor is private
  std::unique_ptr<HttpServer> server(
      new HttpServer(*std::move(sockets), std::move(handlers), limits));
  if (server->wake_.get() < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": eventfd: ", SystemError(errno)));
  }
  server->thread_ = std::thread([raw = server.get()] { raw->Run(); });
  return server;
}

HttpServer::HttpServer(ListeningSockets sockets, Handlers handlers, Limits limits)
    : sockets_(std::move(sockets)),
      handlers_(std::move(handlers)),
      limits_(limits),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

HttpServer::~HttpServer() {
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void HttpServer::Run() {
  std::vector<pollfd> polled;
  bool is_paused = false;
  while (true) {
    polled.assign(1, {.fd = wake_.get(), .events = POLLIN, .revents = 0});
    for (const Connection& connection : connections_) {
      polled.push_back({.fd = connection.socket.get(), .events = POLLIN, .revents = 0});
      if (connection.state == State::kWriting) polled.back().events = POLLOUT;
    }
    const std::size_t first_listening = polled.size();
    if (!is_paused) {
      for (const FileDescriptor& socket : sockets_.sockets)
        polled.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
    }
    poll(polled.data(), polled.size(), PollTimeout(is_paused));
    if (polled.front().revents != 0) return;

    const TimePoint now = Clock::now();
    std::size_t index = 1;
    for (auto it = connections_.begin(); it != connections_.end(); ++index) {
      const bool is_ready = polled[index].revents != 0;
      const bool is_done = now >= it->deadline || (is_ready && !Advance(*it));
      it = is_done ? connections_.erase(it) : std::next(it);
    }
    is_paused = false;
    for (; index >= first_listening && index < polled.size(); ++index) {
      if (polled[index].revents != 0) is_paused |= AcceptAll(polled[index].fd);
    }
  }
}

int HttpServer::PollTimeout(bool is_paused) const {
  if (connections_.empty()) return is_paused ? static_cast<int>(kPause.count()) : -1;
  // All have the same time: the oldest connection's deadline is the first. Rounded up, so that it
  // has passed when poll returns.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(connections_.front().deadline - Clock::now());
  const auto timeout = is_paused ? std::min(left, kPause) : left;
  return static_cast<int>(std::max(timeout.count(), std::chrono::milliseconds::rep{0}));
}

bool HttpServer::AcceptAll(int listening) {
  for (int i = 0; i < kAcceptsAtATime; ++i) {
    SocketAddress peer;
    FileDescriptor socket(accept4(listening, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) {
      switch (ClassifyAcceptFailure(errno)) {
        case AcceptFailure::kNothingWaits:
          return false;
        case AcceptFailure::kTryNext:
          continue;
        case AcceptFailure::kPause:
          if (connections_.empty()) return true;
          // A descriptor of an idle connection is what is missing.
          CloseOldest(nullptr);
          continue;
      }
    }
    std::string host = peer.Host();
    MakeRoomFor(host);
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.host = std::move(host);
    connection.deadline = Clock::now() + limits_.deadline;
    // Most clients have sent their request by now.
    if (!Advance(connection)) connections_.pop_back();
  }
  return false;
}

void HttpServer::MakeRoomFor(const std::string& host) {
  const auto of_host = std::ranges::count(connections_, host, &Connection::host);
  if (static_cast<std::size_t>(of_host) >= limits_.per_address) {
    CloseOldest(&host);
  } else if (connections_.size() >= limits_.connections) {
    CloseOldest(nullptr);
  }
}

void HttpServer::CloseOldest(const std::string* host) {
  auto chosen = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (host != nullptr && it->host != *host) continue;
    if (it->state != State::kWriting) {
      chosen = it;
      break;
    }
    // One that is being answered goes only if all are.
    if (chosen == connections_.end()) chosen = it;
  }
  if (chosen != connections_.end()) connections_.erase(chosen);
}

bool HttpServer::Advance(Connection& connection) {
  if (connection.state == State::kReading && !Read(connection)) return false;
  if (connection.state == State::kWriting && !Write(connection)) return false;
  return connection.state != State::kClosing || Drop(connection);
}

bool HttpServer::Read(Connection& connection) {
  std::array<char, kMaxHttpRequestBytes> buffer{};
  const std::size_t room = kMaxHttpRequestBytes - connection.bytes.size();
  const ssize_t count = recv(connection.socket.get(), buffer.data(), room, 0);
  if (count < 0) return WouldBlock(errno);
  if (count == 0) return false;
  connection.bytes.append(buffer.data(), static_cast<std::size_t>(count));
  std::string response = Respond(connection);
  if (response.empty()) return true;
  connection.bytes = std::move(response);
  connection.state = State::kWriting;
  return true;
}

bool HttpServer::Write(Connection& connection) {
  const std::string_view left = std::string_view(connection.bytes).substr(connection.count);
  const ssize_t count = send(connection.socket.get(), left.data(), left.size(), MSG_NOSIGNAL);
  if (count < 0) return WouldBlock(errno);
  connection.count += static_cast<std::size_t>(count);
  if (connection.count < connection.bytes.size()) return true;
  shutdown(connection.socket.get(), SHUT_WR);
  connection.state = State::kClosing;
  connection.count = 0;
  connection.bytes = std::string();  // frees the answer's memory
  return true;
}

bool HttpServer::Drop(Connection& connection) {
  std::array<char, 4096> buffer{};
  const ssize_t count = recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) return WouldBlock(errno);
  connection.count += static_cast<std::size_t>(count);
  return count > 0 && connection.count < kMaxDropped;
}

// Empty while the request is not complete.
std::string HttpServer::Respond(const Connection& connection) {
  const HttpRequest request = ParseHttpRequest(connection.bytes);
  auto text = [&](int status, std::string_view body) {
    return HttpResponse(status, kPlainText, body, request.is_head);
  };
  switch (request.status) {
    case 0:
      return "";
    case 200:
      break;
    case 405:
      return text(405, "GET and HEAD only\n");
    case 431:
      return text(431, absl::StrCat("at most ", kMaxHttpRequestBytes, " bytes of request\n"));
    case 505:
      return text(505, "HTTP/1.0 and HTTP/1.1 only\n");
    default:
      return text(400, "not an HTTP request\n");
  }
  if (request.path == "/healthz") {
    return handlers_.is_serving() ? text(200, "SERVING\n") : text(503, "NOT_SERVING\n");
  }
  if (request.path == "/metrics")
    return HttpResponse(200, Metrics::kContentType, MetricsText(), request.is_head);
  return text(404, "only /metrics and /healthz are here\n");
}

const std::string& HttpServer::MetricsText() {
  const TimePoint start = Clock::now();
  if (start < metrics_expire_) return metrics_text_;
  metrics_text_ = handlers_.metrics();
  const TimePoint end = Clock::now();
  metrics_expire_ = end + (end - start) * kMetricsShare;
  return metrics_text_;
}

}  // namespace synth::server
