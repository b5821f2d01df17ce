#include "tests/support/raw_client.h"

#include <sys/time.h>

#include <cerrno>
#include <stdexcept>

namespace synth::server {
namespace {

SocketAddress Resolve(const std::string& host, int port) {
  const std::string text =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  return ResolveAddress(text).value().front();
}

}  // namespace

RawClient::RawClient(int port, const std::string& host, const std::string& source) {
  const SocketAddress target = Resolve(host, port);
  socket_ = FileDescriptor(socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (!source.empty()) {
    const SocketAddress own = Resolve(source, 0);
    if (bind(socket_.get(), own.get(), own.size) != 0)
      throw std::runtime_error("bind: " + SystemError(errno));
  }
  if (connect(socket_.get(), target.get(), target.size) != 0)
    throw std::runtime_error("connect: " + SystemError(errno));
}

bool RawClient::Send(const std::string& bytes) const {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count =
        send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string RawClient::Receive(std::size_t size) const {
  std::string bytes(size, '\0');
  const ssize_t count = recv(socket_.get(), bytes.data(), bytes.size(), 0);
  if (count < 0 && errno != ECONNRESET) throw std::runtime_error("recv: " + SystemError(errno));
  bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return bytes;
}

std::string RawClient::ReceiveAll() const {
  std::string all;
  for (std::string some = Receive(); !some.empty(); some = Receive()) all += some;
  return all;
}

std::string Http2Greeting() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(3, '\0') + "\x04" + std::string(5, '\0');
}

std::string HttpGet(int port, const std::string& path) {
  const RawClient client(port);
  client.Send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return client.ReceiveAll();
}

}  // namespace synth::server
