#ifndef SYNTH_TESTS_SUPPORT_RAW_CLIENT_H_
#define SYNTH_TESTS_SUPPORT_RAW_CLIENT_H_

#include <string>

#include "server/base/sockets.h"

namespace synth::server {

// A TCP client that does what no library would. It blocks, but never longer than 20 seconds.
class RawClient {
 public:
  // Connects to `port` of `host`, from the address `source` unless that is empty. Throws if it
  // cannot.
  explicit RawClient(int port, const std::string& host = "127.0.0.1",
                     const std::string& source = "");

  // False if the peer has closed the connection.
  bool Send(const std::string& bytes) const;
  // Up to `size` bytes, as soon as there are some; empty when the peer has closed the connection.
  std::string Receive(std::size_t size = 65536) const;
  // Everything until the peer closes the connection.
  std::string ReceiveAll() const;
  // Waits for bytes or the end of the connection: true at the end.
  bool IsClosed() const { return Receive().empty(); }

 private:
  FileDescriptor socket_;
};

// The first words of an HTTP/2 client: the preface and an empty SETTINGS frame.
std::string Http2Greeting();

// The whole answer to a GET.
std::string HttpGet(int port, const std::string& path);

}  // namespace synth::server

#endif  // SYNTH_TESTS_SUPPORT_RAW_CLIENT_H_
