#ifndef SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_
#define SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace synth::server {

// /metrics and /healthz over plain HTTP, for Prometheus and for probes that cannot speak gRPC.
// Stops with its destructor, which waits for requests in flight.
class HttpServer {
 public:
  struct Handlers {
    std::function<std::string()> metrics;  // the Prometheus text format
    std::function<bool()> is_serving;      // /healthz: 200, or else 503
  };

  // Listens on "host:port"; port 0 picks a free one. The handlers are called from the server's own
  // threads and must outlive it. UNAVAILABLE where the address cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           Handlers handlers);

  virtual ~HttpServer() = default;
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  virtual int port() const = 0;

 protected:
  HttpServer() = default;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_OBSERVE_HTTP_SERVER_H_
