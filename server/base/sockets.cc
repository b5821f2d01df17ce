#include "server/base/sockets.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace synth::server {
namespace {

// As many as the kernel allows (net.core.somaxconn).
constexpr int kBacklog = 4096;

sockaddr_in6& AsV6(SocketAddress& address) {
  return *static_cast<sockaddr_in6*>(static_cast<void*>(&address.storage));
}
sockaddr_in& AsV4(SocketAddress& address) {
  return *static_cast<sockaddr_in*>(static_cast<void*>(&address.storage));
}
const sockaddr_in6& AsV6(const SocketAddress& address) {
  return *static_cast<const sockaddr_in6*>(static_cast<const void*>(&address.storage));
}
const sockaddr_in& AsV4(const SocketAddress& address) {
  return *static_cast<const sockaddr_in*>(static_cast<const void*>(&address.storage));
}

bool IsWildcard(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) return AsV4(address).sin_addr.s_addr == INADDR_ANY;
  return IN6_IS_ADDR_UNSPECIFIED(&AsV6(address).sin6_addr);
}

SocketAddress Wildcard(int family, int port) {
  SocketAddress address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  address.size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  address.set_port(port);
  return address;
}

absl::StatusOr<FileDescriptor> Listen(const SocketAddress& address) {
  FileDescriptor socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return absl::UnavailableError(SystemError(errno));
  const int on = 1;
  // A restarted server takes its port back at once. Linux refuses it all the same while another
  // process listens on the port.
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.storage.ss_family == AF_INET6) {
    const int v6_only = IsWildcard(address) ? 0 : 1;
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  if (bind(socket.get(), address.get(), address.size) != 0 || listen(socket.get(), kBacklog) != 0) {
    return absl::UnavailableError(SystemError(errno));
  }
  return socket;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) close(descriptor_);
}

sockaddr* SocketAddress::get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }

const sockaddr* SocketAddress::get() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}

int SocketAddress::port() const {
  return ntohs(storage.ss_family == AF_INET ? AsV4(*this).sin_port : AsV6(*this).sin6_port);
}

void SocketAddress::set_port(int port) {
  const auto network_order = htons(static_cast<std::uint16_t>(port));
  if (storage.ss_family == AF_INET) {
    AsV4(*this).sin_port = network_order;
  } else {
    AsV6(*this).sin6_port = network_order;
  }
}

std::string SocketAddress::Host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &AsV4(*this).sin_addr, text.data(), text.size());
    return text.data();
  }
  in6_addr host = AsV6(*this).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&host)) {
    inet_ntop(AF_INET, &host.s6_addr[12], text.data(), text.size());
    return text.data();
  }
  std::memset(&host.s6_addr[8], 0, 8);
  inet_ntop(AF_INET6, &host, text.data(), text.size());
  return absl::StrCat(text.data(), "/64");
}

absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  std::string host = address.substr(0, colon);
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65535 || host.empty() ||
      (!is_bracketed && host.find(':') != std::string::npos)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected HOST:PORT, with an IPv6 address in brackets, found '", address, "'"));
  }
  if (is_bracketed) host = host.substr(1, host.size() - 2);

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV | (is_bracketed ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot resolve '", host,
                     "': ", error == EAI_SYSTEM ? SystemError(errno) : gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    SocketAddress& one = addresses.emplace_back();
    std::memcpy(&one.storage, entry->ai_addr, entry->ai_addrlen);
    one.size = entry->ai_addrlen;
  }
  return addresses;
}

absl::StatusOr<ListeningSockets> ListenOn(const std::string& address) {
  const absl::StatusOr<std::vector<SocketAddress>> resolved = ResolveAddress(address);
  if (!resolved.ok()) return resolved.status();
  ListeningSockets result;
  absl::Status first_error;
  auto add = [&](SocketAddress one) {
    // All listen on the port that the first was given.
    if (!result.sockets.empty()) one.set_port(result.address.port());
    absl::StatusOr<FileDescriptor> socket = Listen(one);
    if (!socket.ok()) {
      first_error.Update(socket.status());
      return false;
    }
    if (result.sockets.empty())
      getsockname(socket->get(), result.address.get(), &result.address.size);
    result.sockets.push_back(*std::move(socket));
    return true;
  };
  for (const SocketAddress& one : *resolved) {
    // One IPv6 socket serves both families; machines without IPv6 get one of IPv4.
    if (!IsWildcard(one)) {
      add(one);
    } else if (!add(Wildcard(AF_INET6, one.port()))) {
      add(Wildcard(AF_INET, one.port()));
    }
  }
  if (result.sockets.empty()) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", first_error.message()));
  }
  return result;
}

AcceptFailure ClassifyAcceptFailure(int error) {
  switch (error) {
    case EAGAIN:
      return AcceptFailure::kNothingWaits;
    // accept(2) hands on errors that were already pending on the new connection.
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return AcceptFailure::kTryNext;
    // EMFILE, ENFILE, ENOBUFS, ENOMEM; and what nobody expects must not turn into a busy loop.
    default:
      return AcceptFailure::kPause;
  }
}

std::string SystemError(int error) { return std::generic_category().message(error); }

}  // namespace synth::server
