#ifndef SYNTH_SERVER_BASE_SOCKETS_H_
#define SYNTH_SERVER_BASE_SOCKETS_H_

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace synth::server {

// Owns one descriptor and closes it. Empty when get() is negative.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileDescriptor();

  int get() const { return descriptor_; }
  int Release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;
};

// The address of one end of a connection.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get();
  const sockaddr* get() const;

  int port() const;
  void set_port(int port);
  // The host's part of the address, without the port. IPv4 gives "1.2.3.4", also if it is mapped
  // into IPv6. Other IPv6 addresses give their first 64 bits, because one host commonly owns all
  // addresses that share them.
  std::string Host() const;
};

// The addresses of "HOST:PORT". IPv6 addresses stand in brackets; names are resolved. The wildcards
// 0.0.0.0 and [::] both mean every address of either family. INVALID_ARGUMENT if the text has
// another form, UNAVAILABLE if the name has no address.
absl::StatusOr<std::vector<SocketAddress>> ResolveAddress(const std::string& address);

struct ListeningSockets {
  std::vector<FileDescriptor> sockets;  // non-blocking, closed on exec; at least one
  SocketAddress address;                // of the first
};

// Listens on every address of "HOST:PORT" that can be used, all with one port; port 0 picks a free
// one. The port is never shared with another process. The error is one line with the address and
// the system's reason: INVALID_ARGUMENT, or UNAVAILABLE if none can be used.
absl::StatusOr<ListeningSockets> ListenOn(const std::string& address);

// What to do after accept(2) failed.
enum class AcceptFailure {
  kNothingWaits,  // wait for the next connection
  kTryNext,       // one connection failed, or a signal came; the next may be waiting
  kPause,         // descriptors or memory have run out: at once, it would fail again
};
AcceptFailure ClassifyAcceptFailure(int error);

// The system's words for an errno value.
std::string SystemError(int error);

}  // namespace synth::server

#endif  // SYNTH_SERVER_BASE_SOCKETS_H_
