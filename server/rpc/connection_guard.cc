#include "server/rpc/connection_guard.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "server/base/logging.h"

namespace synth::server {
namespace {

// Bytes of a connection that gRPC has read; -1 if it is closed. What the kernel still holds, up to
// 6 MB, gRPC cannot have counted yet.
std::int64_t BytesRead(int descriptor) {
  int unread = 0;
  tcp_info info{};
  socklen_t size = sizeof(info);
  // In this order: if bytes arrive in between, too few are counted and not too many.
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return -1;
  if (ioctl(descriptor, FIONREAD, &unread) != 0) return -1;
  return static_cast<std::int64_t>(info.tcpi_bytes_received) - unread;
}

}  // namespace

void ConnectionGuard::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void ConnectionGuard::Run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  Duration pause = kInterval;
  while (!stopped.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
    const TimePoint start = Clock::now();
    Sweep();
    pause = std::max<Duration>(kInterval, (Clock::now() - start) * (kShare - 1));
  }
}

void ConnectionGuard::Sweep() {
  std::unordered_map<int, Watched> watched;
  for (const ConnectionTable::Key& key : table_.List()) {
    const std::int64_t received = BytesRead(key.descriptor);
    if (received < 0) continue;
    const auto before = watched_.find(key.descriptor);
    Watched now = before != watched_.end() && before->second.key == key ? before->second
                                                                        : Watched{.key = key};
    if (received - now.looked_at >= kLook) Look(now, received);
    watched[key.descriptor] = now;
  }
  watched_ = std::move(watched);
  numbers_.reset();
}

void ConnectionGuard::Look(Watched& watched, std::int64_t received) {
  if (watched.number == 0) watched.number = FindNumber(watched.key.descriptor);
  // gRPC knows the connection when it has said its first words. They are bounded in time.
  if (watched.number == 0) return;
  const std::optional<GrpcSocketCounts> counts = counters_.read(watched.number);
  if (!counts) return;
  watched.looked_at = received;
  if (counts->streams_held > limits_.max_streams_held) {
    Close(watched, ConnectionMetrics::Abuse::kStreams);
    return;
  }
  // A message that is too large is never received: its stream ends, and the client has sent more of
  // it by then.
  const std::int64_t streams_ended = counts->streams_begun - counts->streams_held;
  const std::int64_t progress = counts->streams_begun + streams_ended + counts->messages_received;
  if (progress != watched.progress) {
    watched.progress = progress;
    watched.progress_at = received;
  } else if (received - watched.progress_at > limits_.max_idle_bytes) {
    Close(watched, ConnectionMetrics::Abuse::kBytes);
  }
}

std::int64_t ConnectionGuard::FindNumber(int descriptor) {
  if (!numbers_) numbers_ = counters_.list();
  SocketAddress peer;
  if (getpeername(descriptor, peer.get(), &peer.size) != 0) return 0;
  const auto number = numbers_->find(GrpcPeerName(peer));
  return number == numbers_->end() ? 0 : number->second;
}

void ConnectionGuard::Close(const Watched& watched, ConnectionMetrics::Abuse reason) {
  const FileDescriptor socket = watched.key.Duplicate();
  if (socket.get() < 0) return;
  // gRPC's close then sends a reset, which also ends a peer that waits for room to send more.
  const linger abort = {.l_onoff = 1, .l_linger = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  SocketAddress peer;
  const bool is_known = getpeername(socket.get(), peer.get(), &peer.size) == 0;
  if (is_known) table_.Delay(peer.Host());
  metrics_.OnClosed(reason);  // before the peer can see it
  shutdown(socket.get(), SHUT_RDWR);
  const std::optional<std::int64_t> count = reports_.Count(reason);
  if (!count) return;
  Log(spdlog::level::warn, "connection_closed",
      {{"reason", reason == ConnectionMetrics::Abuse::kStreams
                      ? "more streams begun than gRPC could end"
                      : "bytes that belong to no call"},
       {"peer", is_known ? GrpcPeerName(peer) : "unknown"},
       {"count", *count}});
}

}  // namespace synth::server
