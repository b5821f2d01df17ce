#include "server/http_server.h"

#include <CivetServer.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/metrics.h"

namespace synth::server {
namespace {

void Respond(mg_connection* connection, int code, const char* reason, const char* content_type,
             const std::string& body) {
  const std::string head =
      absl::StrCat("HTTP/1.1 ", code, " ", reason, "\r\nContent-Type: ", content_type,
                   "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  mg_write(connection, body.data(), body.size());
}

class MetricsHandler final : public CivetHandler {
 public:
  explicit MetricsHandler(std::function<std::string()> metrics) : metrics_(std::move(metrics)) {}
  bool handleGet(CivetServer* /*server*/, mg_connection* connection) override {
    Respond(connection, 200, "OK", Metrics::kContentType, metrics_());
    return true;
  }

 private:
  std::function<std::string()> metrics_;
};

class HealthHandler final : public CivetHandler {
 public:
  explicit HealthHandler(std::function<bool()> is_serving) : is_serving_(std::move(is_serving)) {}
  bool handleGet(CivetServer* /*server*/, mg_connection* connection) override {
    if (is_serving_()) {
      Respond(connection, 200, "OK", "text/plain", "SERVING\n");
    } else {
      Respond(connection, 503, "Service Unavailable", "text/plain", "NOT_SERVING\n");
    }
    return true;
  }

 private:
  std::function<bool()> is_serving_;
};

class CivetHttpServer final : public HttpServer {
 public:
  // Throws CivetException where the address cannot be used.
  CivetHttpServer(const std::string& address, Handlers handlers)
      : metrics_(std::move(handlers.metrics)),
        health_(std::move(handlers.is_serving)),
        // Two threads: a slow scraper does not hold up a probe.
        server_(std::vector<std::string>{"listening_ports", address, "num_threads", "2",
                                         "enable_keep_alive", "no", "request_timeout_ms",
                                         "10000"}) {
    server_.addHandler("/metrics$", metrics_);
    server_.addHandler("/healthz$", health_);
  }

  int port() const override {
    // Only reads, but is not declared const.
    return const_cast<CivetServer&>(server_).getListeningPorts().at(
        0);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }

 private:
  MetricsHandler metrics_;
  HealthHandler health_;
  CivetServer server_;  // last: stops first
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address,
                                                              Handlers handlers) {
  try {
    return std::make_unique<CivetHttpServer>(address, std::move(handlers));
  } catch (const CivetException& error) {
    return absl::UnavailableError(
        absl::StrCat("--metrics-listen: cannot listen on ", address, " (", error.what(), ")"));
  }
}

}  // namespace synth::server
