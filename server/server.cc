#include "server/server.h"

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "server/base/cpu_limit.h"
#include "server/base/logging.h"
#include "server/rpc/grpc_log.h"
#include "server/version.h"

namespace synth::server {
namespace {

// How long connections stay open, at the end of a drain, for last answers.
constexpr std::chrono::milliseconds kLinger{250};
// How long a drain then waits for clients to take their answers. One that does not loses its own.
constexpr std::chrono::milliseconds kLastAnswers{2000};

std::int64_t Milliseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options) {
  const CpuLimit cpus = ReadCpuLimit();
  const int lanes = options.lanes > 0 ? options.lanes : cpus.lanes();
  // NOLINTNEXTLINE(modernize-make-unique): the constructor is private
  std::unique_ptr<Server> server(new Server(options, lanes));
  server->metrics_.SetCpus(cpus.affinity, cpus.quota);
  Log(spdlog::level::info, "starting",
      {{"version", kVersion},
       {"lanes", lanes},
       {"cpus", cpus.affinity},
       {"cpu_quota", cpus.quota}});
  if (absl::Status status = server->LoadModels(); !status.ok()) return status;
  if (absl::Status status = server->ListenHttp(); !status.ok()) return status;
  if (absl::Status status = server->ListenGrpc(); !status.ok()) return status;
  Log(spdlog::level::info, "serving",
      {{"listen", options.listen},
       {"grpc_port", server->grpc_port()},
       {"metrics_listen", options.metrics_listen},
       {"metrics_port", server->metrics_port()}});
  return server;
}

Server::Server(const Options& options, int lanes)
    : options_(options),
      lanes_(lanes),
      executor_(lanes),
      pending_(PendingResponses::Options{}),
      services_{.repository = repository_,
                .refusals = refusals_,
                .gate = gate_,
                .pending = pending_,
                .streams = streams_,
                .limits = {.max_texts = options.max_texts,
                           .max_text_bytes = options.max_text_bytes,
                           .max_message_bytes = options.max_message_bytes}},
      service_(services_, metrics_) {
  // Protobuf prints a line for each message it refuses, which any client could flood the log with.
  google::protobuf::SetLogHandler(nullptr);
  TakeGrpcLog();
}

Server::~Server() {
  if (grpc_) Drain();
}

absl::Status Server::LoadModels() {
  const scheduling::Scheduler::Options scheduling = {.lanes = lanes_,
                                                     .max_batch_tokens = options_.max_batch_tokens,
                                                     .max_queue_tokens = options_.max_queue_tokens,
                                                     .max_queue_time = options_.max_queue_time};
  for (const Options::ModelSource& source : options_.models) {
    if (absl::Status status = repository_.Load(source, {.precision = options_.precision},
                                               scheduling, executor_, metrics_);
        !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Server::ListenHttp() {
  if (options_.metrics_listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<HttpServer>> http = HttpServer::Start(
      options_.metrics_listen, {.metrics = [this] { return Scrape(); },
                                .is_serving = [this] { return is_serving_.load(); }});
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

absl::Status Server::ListenGrpc() {
  grpc::EnableDefaultHealthCheckService(true);
  // gRPC's own health service comes without descriptors, and reflection could list it but not
  // describe it.
  google::protobuf::LinkMessageReflection<grpc::health::v1::HealthCheckRequest>();
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.listen, grpc::InsecureServerCredentials(), &grpc_port_);
  builder.RegisterService(&service_);
  builder.SetMaxReceiveMessageSize(options_.max_message_bytes);
  // The default lets several servers share a port, and a second one started by mistake takes half
  // the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Clients behind idle-killing proxies ping; gRPC's default would close their connection for it.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  if (options_.max_connection_age.count() > 0) {
    builder.AddChannelArgument(
        GRPC_ARG_MAX_CONNECTION_AGE_MS,
        static_cast<int>(std::min<std::int64_t>(options_.max_connection_age.count(),
                                                std::numeric_limits<int>::max())));
  }
  grpc_ = builder.BuildAndStart();
  if (!grpc_ || grpc_port_ == 0) {
    grpc_.reset();
    return absl::UnavailableError(absl::StrCat("--listen: cannot listen on ", options_.listen));
  }
  is_serving_ = true;
  grpc_->GetHealthCheckService()->SetServingStatus(v1::Inference::service_full_name(), true);
  return absl::OkStatus();
}

bool Server::Drain() {
  if (is_drained_.exchange(true)) return true;
  const auto start = std::chrono::steady_clock::now();
  is_serving_ = false;
  grpc_->GetHealthCheckService()->SetServingStatus(false);
  Log(spdlog::level::info, "draining",
      {{"delay_ms", options_.drain_delay.count()}, {"timeout_ms", options_.drain_timeout.count()}});
  // Load balancers need this long to see NOT_SERVING; meanwhile everything is served as before.
  std::this_thread::sleep_for(options_.drain_delay);
  gate_.Close();
  const bool in_time = gate_.WaitUntilEmpty(Clock::now() + options_.drain_timeout);
  // Clients that have just had their last answer may be sending the next call: they should still
  // hear UNAVAILABLE.
  if (in_time) {
    std::this_thread::sleep_for(kLinger);
    pending_.WaitUntilEmpty(Clock::now() + kLastAnswers);
  }
  grpc_->Shutdown(std::chrono::system_clock::now() + kLinger);
  Log(in_time ? spdlog::level::info : spdlog::level::warn, "stopped",
      {{"all_calls_finished", in_time},
       {"milliseconds", Milliseconds(std::chrono::steady_clock::now() - start)}});
  return in_time;
}

std::string Server::Scrape() const {
  for (const auto& model : *repository_.models()) model->RefreshMetrics();
  metrics_.SetCalls(streams_.load(), pending_.bytes());
  return metrics_.Scrape();
}

}  // namespace synth::server
