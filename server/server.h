#ifndef SYNTH_SERVER_SERVER_H_
#define SYNTH_SERVER_SERVER_H_

#include <grpcpp/server.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/models/repository.h"
#include "server/models/tbb_executor.h"
#include "server/observe/http_server.h"
#include "server/observe/metrics.h"
#include "server/options.h"
#include "server/rpc/call_gate.h"
#include "server/rpc/call_services.h"
#include "server/rpc/connection_guard.h"
#include "server/rpc/health_probe.h"
#include "server/rpc/listener.h"
#include "server/rpc/refusal_log.h"
#include "server/rpc/v1/inference_service.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace synth::server {

// The composition root: everything a running server is made of. Members are destroyed from the last
// to the first, so each stands below what it uses: gRPC stops before the lanes, the lanes before
// their threads.
class Server {
 public:
  // Loads the models, starts the lanes, and serves. When it returns, health is SERVING. The error
  // says which model or address cannot be used.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options);

  // Drains if that has not been done.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops in order: health turns NOT_SERVING; calls are still taken for drain_delay; then new ones
  // get UNAVAILABLE and those in flight have drain_timeout to finish; then the connections are
  // closed. Blocks. True if every call finished in time.
  bool Drain();

  // What /metrics gives.
  std::string Scrape() const;

  int grpc_port() const { return listener_ ? listener_->port() : 0; }
  int metrics_port() const { return http_ ? http_->port() : 0; }

 private:
  Server(const Options& options, int lanes);
  absl::Status LoadModels();
  absl::Status ListenGrpc();
  absl::Status ListenHttp();
  void AcceptConnections();

  const Options options_;
  const int lanes_;
  Metrics metrics_;
  TbbExecutor executor_;
  Repository repository_;
  RefusalLog refusals_;
  CallGate gate_;
  PendingResponses pending_;
  std::atomic<std::int64_t> streams_{0};
  CallServices services_;
  InferenceService service_;
  std::atomic<bool> is_serving_{false};
  std::atomic<bool> is_drained_{false};
  // Connections enter gRPC through it.
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<ConnectionGuard> guard_;
  std::unique_ptr<HealthProbe> probe_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_SERVER_H_
