#include "server/server.h"

#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"
#include "server/base/cpu_limit.h"
#include "server/base/logging.h"
#include "server/rpc/channelz.h"
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

// Calls of one connection that are open at a time.
constexpr int kMaxStreams = 128;
// The same and those that were reset, but that gRPC has not come to yet. An ordinary client that
// cancels many calls stays far below it.
constexpr int kMaxStreamsHeld = 8 * kMaxStreams;

// gRPC takes milliseconds as an int.
int Argument(std::chrono::milliseconds duration) {
  return static_cast<int>(
      std::min<std::int64_t>(duration.count(), std::numeric_limits<int>::max()));
}

// Descriptors that this process may open; nothing if there is no limit.
std::optional<rlim_t> DescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return limit.rlim_cur;
}

// Leaves descriptors for everything that is no gRPC connection.
int MaxConnections(int wanted) {
  const std::optional<rlim_t> limit = DescriptorLimit();
  if (!limit) return wanted;
  const rlim_t reserved = std::min<rlim_t>(*limit / 2, 256);
  const rlim_t room = std::max<rlim_t>(*limit - reserved, 1);
  return static_cast<int>(std::min<rlim_t>(static_cast<rlim_t>(wanted), room));
}

// Few enough to leave MaxConnections its descriptors.
HttpServer::Limits HttpLimits() {
  HttpServer::Limits limits;
  if (const std::optional<rlim_t> descriptors = DescriptorLimit()) {
    limits.connections = std::clamp<std::size_t>(*descriptors / 8, 2, limits.connections);
    limits.per_address = limits.connections / 2;
  }
  return limits;
}

// What bounds a connection and its streams, whatever the client does.
void LimitConnections(grpc::ServerBuilder& builder, const Options& options) {
  // gRPC's default is 2^32 - 1, and each stream holds memory. Clients queue calls beyond it.
  // Its counters see what no service does (CountGrpcCalls).
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  // Above what proxies pass on (16 to 64 KiB). gRPC fails every call of a connection when one has
  // more than this, and its default of 8 KiB is less than a large cookie.
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 128 * 1024);
  // A megabyte of gzip can hold a gigabyte, and gRPC inflates all of it before it looks at the
  // size. Clients that compress get UNIMPLEMENTED.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // A client that connects and says nothing.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
  // Clients behind idle-killing proxies ping; gRPC's default would close their connection for it.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  if (options.keepalive_time.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Argument(options.keepalive_time));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                               std::max(Argument(options.keepalive_timeout), 1));
    // The default stops the pings after two.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  if (options.max_connection_idle.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                               Argument(options.max_connection_idle));
  }
  if (options.max_connection_age.count() > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               Argument(options.max_connection_age));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                               Argument(options.max_connection_age_grace));
  }
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
  if (absl::Status status = server->ListenGrpc(); !status.ok()) return status;
  if (absl::Status status = server->ListenHttp(); !status.ok()) return status;
  server->AcceptConnections();
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
      pending_({.max_age = options.response_timeout, .max_bytes = options.max_unflushed_bytes}),
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
  if (is_serving_) Drain();
}

absl::Status Server::LoadModels() {
  const scheduling::Scheduler::Options scheduling = {.lanes = lanes_,
                                                     .max_batch_tokens = options_.max_batch_tokens,
                                                     .max_queue_tokens = options_.max_queue_tokens,
                                                     .max_queue_time = options_.max_queue_time};
  for (const Options::ModelSource& source : options_.models) {
    const LoadOptions load = {.precision = source.precision.value_or(options_.precision)};
    if (absl::Status status = repository_.Load(source, load, scheduling, executor_, metrics_);
        !status.ok())
      return status;
  }
  return absl::OkStatus();
}

absl::Status Server::ListenHttp() {
  if (options_.metrics_listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<HttpServer>> http =
      HttpServer::Start(options_.metrics_listen,
                        {.metrics = [this] { return Scrape(); },
                         .is_serving = [this] { return is_serving_ && probe_->is_healthy(); }},
                        HttpLimits());
  if (!http.ok()) {
    return {http.status().code(), absl::StrCat("--metrics-listen: ", http.status().message())};
  }
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
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  builder.RegisterService(&service_);
  builder.SetMaxReceiveMessageSize(options_.max_message_bytes);
  LimitConnections(builder, options_);
  absl::StatusOr<std::unique_ptr<Listener>> listener =
      Listener::Listen(options_.listen,
                       {.limits = {.total = MaxConnections(options_.max_connections),
                                   .per_address = options_.max_connections_per_address},
                        .send_timeout = options_.keepalive_timeout},
                       metrics_.connections());
  if (!listener.ok()) {
    return {listener.status().code(), absl::StrCat("--listen: ", listener.status().message())};
  }
  grpc_ = builder.BuildAndStart();
  if (!grpc_) return absl::InternalError("gRPC did not start; the log says why");
  listener_ = *std::move(listener);
  // Besides a message, the frames around it, headers and pings.
  constexpr std::int64_t kOtherBytes = 1 << 20;
  guard_ = std::make_unique<ConnectionGuard>(
      ConnectionGuard::Limits{.max_streams_held = kMaxStreamsHeld,
                              .max_idle_bytes = options_.max_message_bytes + kOtherBytes},
      listener_->connections(), metrics_.connections());
  grpc_->GetHealthCheckService()->SetServingStatus(v1::Inference::service_full_name(), true);
  return absl::OkStatus();
}

void Server::AcceptConnections() {
  listener_->Start([this](int descriptor) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = descriptor;
    acceptor_->HandleNewConnection(&connection);
  });
  guard_->Start();
  if (http_) {
    probe_ = std::make_unique<HealthProbe>([this] { return listener_->ConnectToSelf(); },
                                           HealthProbe::Options());
  }
  // From here on others may use the probe.
  is_serving_ = true;
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
  // gRPC drops, open, a connection that reaches it after its shutdown.
  listener_->Stop();
  // gRPC ends a call that arrives after its shutdown with CANCELLED, which no client and no proxy
  // sends again. If its connection ends before, the call fails with UNAVAILABLE.
  listener_->connections().FinishSending();
  grpc_->Shutdown(std::chrono::system_clock::now() + kLinger);
  Log(in_time ? spdlog::level::info : spdlog::level::warn, "stopped",
      {{"all_calls_finished", in_time},
       {"milliseconds", Milliseconds(std::chrono::steady_clock::now() - start)}});
  return in_time;
}

std::string Server::Scrape() const {
  for (const auto& model : *repository_.models()) model->RefreshMetrics();
  metrics_.SetCalls(streams_.load(), pending_.bytes());
  metrics_.SetGrpcCalls(CountGrpcCalls());
  if (listener_) metrics_.connections().SetOpen(listener_->CountOpen());
  return metrics_.Scrape();
}

}  // namespace synth::server
