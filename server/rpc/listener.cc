#include "server/rpc/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/base/logging.h"

namespace synth::server {
namespace {

// Connections accepted before the thread looks at its wake-up again.
constexpr int kAcceptsAtATime = 64;

bool IsSameEnd(const SocketAddress& a, const SocketAddress& b) {
  return a.port() == b.port() && a.Host() == b.Host();
}

// Where a client on this machine reaches a socket that listens on `address`.
absl::StatusOr<SocketAddress> LocalTarget(const SocketAddress& address) {
  const bool is_v6 = address.storage.ss_family == AF_INET6;
  SocketAddress target = address;
  if (is_v6) {
    auto* v6 = static_cast<sockaddr_in6*>(static_cast<void*>(&target.storage));
    // A socket of both families takes IPv4 too, and every machine has an IPv4 loopback.
    if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) {
      absl::StatusOr<std::vector<SocketAddress>> loopback =
          ResolveAddress(absl::StrCat("127.0.0.1:", address.port()));
      if (!loopback.ok()) return loopback.status();
      return loopback->front();
    }
  } else {
    auto* v4 = static_cast<sockaddr_in*>(static_cast<void*>(&target.storage));
    if (v4->sin_addr.s_addr == INADDR_ANY) v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  return target;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Listen(const std::string& address,
                                                           const Options& options,
                                                           const ConnectionMetrics& metrics) {
  absl::StatusOr<ListeningSockets> sockets = ListenOn(address);
  if (!sockets.ok()) return sockets.status();
  // NOLINTNEXTLINE(modernize-make-unique): the constructor is private
  std::unique_ptr<Listener> listener(new Listener(*std::move(sockets), options, metrics));
  if (listener->wake_.get() < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": eventfd: ", SystemError(errno)));
  }
  return listener;
}

Listener::Listener(ListeningSockets sockets, const Options& options,
                   const ConnectionMetrics& metrics)
    : sockets_(std::move(sockets)),
      options_(options),
      metrics_(metrics),
      table_(options.limits),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Listener::~Listener() { Stop(); }

void Listener::Start(Handler handler) {
  handler_ = std::move(handler);
  thread_ = std::thread([this] { Run(); });
}

void Listener::Stop() {
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
  delayed_.clear();
  sockets_.sockets.clear();
}

void Listener::Run() {
  std::vector<pollfd> polled = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const FileDescriptor& socket : sockets_.sockets)
    polled.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
  bool is_paused = false;
  while (true) {
    // While paused, only the wake-up is waited for: the listening sockets would be ready at once.
    const int ready = poll(polled.data(), is_paused ? 1 : polled.size(),
                           is_paused ? static_cast<int>(kPause.count()) : UntilNextDelayed());
    if (polled.front().revents != 0) return;
    HandOnDelayed();
    if (ready < 0 && errno != EINTR) {  // out of memory
      is_paused = true;
      continue;
    }
    is_paused = false;
    for (std::size_t i = 1; i < polled.size(); ++i) is_paused |= AcceptAll(polled[i].fd);
  }
}

int Listener::UntilNextDelayed() const {
  if (delayed_.empty()) return -1;
  const TimePoint next = std::ranges::min_element(delayed_, {}, &Delayed::until)->until;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

void Listener::HandOnDelayed() {
  const TimePoint now = Clock::now();
  for (Delayed& delayed : delayed_) {
    if (delayed.until <= now) handler_(delayed.connection.Release());
  }
  std::erase_if(delayed_, [](const Delayed& delayed) { return delayed.connection.get() < 0; });
}

bool Listener::AcceptAll(int listening) {
  for (int i = 0; i < kAcceptsAtATime; ++i) {
    SocketAddress peer;
    FileDescriptor connection(
        accept4(listening, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.get() >= 0) {
      Take(std::move(connection), peer);
      continue;
    }
    const int error = errno;
    switch (ClassifyAcceptFailure(error)) {
      case AcceptFailure::kNothingWaits:
        return false;
      case AcceptFailure::kTryNext:
        break;
      case AcceptFailure::kPause:
        metrics_.OnAcceptPaused();
        Report("accept_paused", SystemError(error));
        return true;
    }
  }
  return false;
}

void Listener::Take(FileDescriptor connection, const SocketAddress& peer) {
  const std::string host = peer.Host();
  const bool is_self = IsSelf(peer);
  if (is_self) {
    table_.AdmitAlways(connection.get(), host);
  } else {
    switch (table_.Admit(connection.get(), host)) {
      case ConnectionTable::Verdict::kAdmitted:
        break;
      case ConnectionTable::Verdict::kTotalReached:
        metrics_.OnRefused(ConnectionMetrics::Refusal::kTotal);
        Report("connections_refused", "--max-connections is reached");
        return;
      case ConnectionTable::Verdict::kAddressReached:
        metrics_.OnRefused(ConnectionMetrics::Refusal::kAddress);
        Report("connections_refused", absl::StrCat("--max-connections-per-address: ", host));
        return;
    }
  }
  const int on = 1;
  setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (options_.send_timeout.count() > 0) {
    const auto milliseconds = static_cast<unsigned>(options_.send_timeout.count());
    setsockopt(connection.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
               sizeof(milliseconds));
  }
  const TimePoint until = is_self ? TimePoint::min() : table_.DelayedUntil(host);
  if (until > Clock::now()) {
    metrics_.OnDelayed();
    delayed_.push_back({.until = until, .connection = std::move(connection)});
    return;
  }
  handler_(connection.Release());
}

bool Listener::IsSelf(const SocketAddress& peer) {
  const MutexLock lock(mutex_);
  if (!self_ || !IsSameEnd(*self_, peer)) return false;
  self_.reset();
  return true;
}

void Listener::Report(const char* event, const std::string& reason) {
  const std::optional<std::int64_t> count = reports_.Count(event);
  if (count) Log(spdlog::level::warn, event, {{"reason", reason}, {"count", *count}});
}

absl::StatusOr<FileDescriptor> Listener::ConnectToSelf() {
  const absl::StatusOr<SocketAddress> target = LocalTarget(sockets_.address);
  if (!target.ok()) return target.status();
  FileDescriptor socket(
      ::socket(target->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return absl::UnavailableError(SystemError(errno));
  SocketAddress self = *target;
  self.set_port(0);  // any free one of the same host
  if (bind(socket.get(), self.get(), self.size) != 0 ||
      getsockname(socket.get(), self.get(), &self.size) != 0) {
    return absl::UnavailableError(SystemError(errno));
  }
  {
    const MutexLock lock(mutex_);
    self_ = self;
  }
  if (connect(socket.get(), target->get(), target->size) != 0 && errno != EINPROGRESS) {
    return absl::UnavailableError(SystemError(errno));
  }
  return socket;
}

}  // namespace synth::server
