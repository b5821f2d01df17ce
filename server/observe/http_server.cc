#include "server/observe/http_server.h"

#include <httplib.h>

#include <sys/socket.h>

#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/observe/metrics.h"

namespace synth::server {
namespace {

// Two: a slow scraper does not hold up a probe.
constexpr std::size_t kThreads = 2;
constexpr time_t kTimeoutSeconds = 5;

class HttplibServer final : public HttpServer {
 public:
  explicit HttplibServer(Handlers handlers) : handlers_(std::move(handlers)) {
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    // The library's default lets several servers share a port.
    server_.set_socket_options([](socket_t socket) {
      const int on = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    });
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    // A connection that is kept open holds one of the threads.
    server_.set_keep_alive_max_count(1);
    server_.Get("/metrics",
                [this](const httplib::Request& /*request*/, httplib::Response& response) {
                  response.set_content(handlers_.metrics(), Metrics::kContentType);
                });
    server_.Get("/healthz",
                [this](const httplib::Request& /*request*/, httplib::Response& response) {
                  const bool is_serving = handlers_.is_serving();
                  response.status = is_serving ? 200 : 503;
                  response.set_content(is_serving ? "SERVING\n" : "NOT_SERVING\n", "text/plain");
                });
  }

  ~HttplibServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // False where the address cannot be used.
  bool Listen(const std::string& host, int port) {
    port_ = port == 0 ? server_.bind_to_any_port(host) : port;
    if (port_ < 0 || (port != 0 && !server_.bind_to_port(host, port))) return false;
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    // Until then the destructor's stop would have nothing to stop.
    while (!server_.is_running()) std::this_thread::yield();
    return true;
  }

  int port() const override { return port_; }

 private:
  const Handlers handlers_;
  httplib::Server server_;
  int port_ = -1;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address,
                                                              Handlers handlers) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--metrics-listen: expected HOST:PORT, found '", address, "'"));
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);  // IPv6
  auto server = std::make_unique<HttplibServer>(std::move(handlers));
  if (!server->Listen(host, port)) {
    return absl::UnavailableError(absl::StrCat("--metrics-listen: cannot listen on ", address));
  }
  return server;
}

}  // namespace synth::server
