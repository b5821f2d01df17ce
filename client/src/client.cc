#include "synth/client/client.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/src/loopback.h"
#include "client/src/service_config.h"
#include "client/src/utf8.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/base/mutex.h"
#include "synth/client/status.h"
#include "synth/v1/inference.grpc.pb.h"

namespace synth::client {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr int kMaxAttempts = 5;  // gRPC does not try more often
constexpr Milliseconds kMinReconnectBackoff{100};

absl::Status Validate(const ClientOptions& options) {
  const RetryPolicy& retry = options.retry;
  const Milliseconds zero{0};
  if (options.target.empty()) return absl::InvalidArgumentError("target: empty");
  if (options.default_deadline <= zero) {
    return absl::InvalidArgumentError("default_deadline: must be positive");
  }
  if (retry.max_attempts < 1 || retry.max_attempts > kMaxAttempts) {
    return absl::InvalidArgumentError(absl::StrCat("retry.max_attempts: must be 1 to ",
                                                   kMaxAttempts, ", is ", retry.max_attempts));
  }
  if (retry.initial_backoff <= zero || retry.max_backoff < retry.initial_backoff) {
    return absl::InvalidArgumentError("retry: needs 0 < initial_backoff <= max_backoff");
  }
  if (!(retry.backoff_multiplier >= 1.0)) {
    return absl::InvalidArgumentError("retry.backoff_multiplier: must be at least 1");
  }
  if (options.max_message_bytes <= 0) {
    return absl::InvalidArgumentError("max_message_bytes: must be positive");
  }
  if (options.keepalive_time < zero || options.keepalive_timeout <= zero) {
    return absl::InvalidArgumentError(
        "keepalive_time must not be negative, keepalive_timeout must be positive");
  }
  if (options.max_reconnect_backoff < kMinReconnectBackoff) {
    return absl::InvalidArgumentError("max_reconnect_backoff: must be at least 100 ms");
  }
  return absl::OkStatus();
}

// A duration as gRPC's channel arguments take it: in int milliseconds.
int ChannelMillis(Milliseconds duration) {
  constexpr Milliseconds::rep kLargest = std::numeric_limits<int>::max();
  return static_cast<int>(std::min<Milliseconds::rep>(duration.count(), kLargest));
}

// Keeps gRPC initialised until the process ends. Otherwise the last channel to go shuts gRPC down,
// and that joins a thread which sleeps up to 10 s after a message larger than the socket's buffer.
void KeepGrpc() {
  [[maybe_unused]] static const bool kKept = [] {
    grpc_init();
    return true;
  }();
}

std::shared_ptr<grpc::Channel> MakeChannel(const ClientOptions& options) {
  KeepGrpc();
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfigJson(options.retry));
  arguments.SetMaxReceiveMessageSize(options.max_message_bytes);
  // gRPC gives up retrying a call whose request is larger than this, 256 KiB unless told otherwise.
  arguments.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, std::numeric_limits<int>::max());
  arguments.SetUserAgentPrefix(options.user_agent);
  // gRPC asks the proxy of the environment for any target that no_proxy leaves out. No proxy can
  // reach this machine's loopback interface.
  if (IsLoopback(options.target)) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Without this, clients with equal options would share connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, ChannelMillis(kMinReconnectBackoff));
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, ChannelMillis(kMinReconnectBackoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, ChannelMillis(options.max_reconnect_backoff));
  if (options.keepalive_time > Milliseconds(0)) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, ChannelMillis(options.keepalive_time));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, ChannelMillis(options.keepalive_timeout));
  }
  const std::shared_ptr<grpc::ChannelCredentials> credentials =
      options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials();
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

// Whether the texts can be sent at all; names the first that cannot.
template <typename Texts>
absl::Status CheckTexts(const char* field, const Texts& texts) {
  for (int i = 0; i < texts.size(); ++i) {
    const absl::Status status = CheckUtf8(texts[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(field, "[", i, "]: ", status.message()));
    }
  }
  return absl::OkStatus();
}

template <typename Request>
absl::Status CheckTexts(const Request& request) {
  absl::Status status = CheckTexts("texts", request.texts());
  if constexpr (requires { request.text_pairs(); }) {
    status.Update(CheckTexts("text_pairs", request.text_pairs()));
  }
  if constexpr (requires { request.query(); }) {
    if (const absl::Status query = CheckUtf8(request.query()); !query.ok()) {
      status.Update(absl::InvalidArgumentError(absl::StrCat("query: ", query.message())));
    }
  }
  return status;
}

absl::Status CheckTexts(const v1::GetModelRequest& /*request*/) { return absl::OkStatus(); }

// Counts calls under way, so that the client can outlive them.
class CallCount {
 public:
  void Add() {
    const MutexLock lock(mutex_);
    ++count_;
  }
  void Remove() {
    const MutexLock lock(mutex_);
    // Under the lock: once it is released, the waiter may destroy this object.
    if (--count_ == 0) none_.notify_all();
  }
  void WaitForNone() {
    const MutexLock lock(mutex_);
    while (count_ != 0) mutex_.Wait(none_);
  }

 private:
  Mutex mutex_;
  std::condition_variable none_;
  int64_t count_ SYNTH_GUARDED_BY(mutex_) = 0;
};

// What a call needs until its callback has run. Owned by the function that gRPC holds for the call.
template <typename Request, typename Response>
struct AsyncCall {
  grpc::ClientContext context;
  std::shared_ptr<const Request> request;
  Response response;
  Callback<Response> done;
};

Health ToHealth(grpc::health::v1::HealthCheckResponse::ServingStatus status) {
  using grpc::health::v1::HealthCheckResponse;
  switch (status) {
    case HealthCheckResponse::SERVING:
      return Health::kServing;
    case HealthCheckResponse::NOT_SERVING:
      return Health::kNotServing;
    case HealthCheckResponse::SERVICE_UNKNOWN:
      return Health::kServiceUnknown;
    default:
      return Health::kUnknown;
  }
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions client_options)
      : options(std::move(client_options)),
        channel(MakeChannel(options)),
        stub(v1::Inference::NewStub(channel)),
        health_stub(grpc::health::v1::Health::NewStub(channel)) {}

  absl::Status Prepare(const CallOptions& call_options, grpc::ClientContext& context) const {
    const Milliseconds deadline = call_options.deadline.value_or(options.default_deadline);
    if (deadline <= Milliseconds(0)) {
      return absl::InvalidArgumentError("deadline: must be positive");
    }
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    context.set_wait_for_ready(call_options.wait_for_ready);
    for (const auto& [key, value] : call_options.metadata) context.AddMetadata(key, value);
    return absl::OkStatus();
  }

  template <typename Request, typename Response>
  using BlockingMethod = grpc::Status (v1::Inference::Stub::*)(grpc::ClientContext*, const Request&,
                                                               Response*);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(BlockingMethod<Request, Response> method, const Request& request,
                                const CallOptions& call_options) {
    if (absl::Status status = CheckTexts(request); !status.ok()) return status;
    grpc::ClientContext context;
    if (absl::Status status = Prepare(call_options, context); !status.ok()) return status;
    Response response;
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return ToAbslStatus(status, context);
    return response;
  }

  template <typename Request, typename Response>
  using AsyncMethod = void (v1::Inference::StubInterface::async_interface::*)(
      grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);

  // Returns the context of the call for its handle; null if the call failed before it began.
  template <typename Request, typename Response>
  std::shared_ptr<grpc::ClientContext> Start(AsyncMethod<Request, Response> method,
                                             std::shared_ptr<const Request> request,
                                             const CallOptions& call_options,
                                             Callback<Response> done) {
    auto call = std::make_shared<AsyncCall<Request, Response>>();
    absl::Status ready = CheckTexts(*request);
    if (ready.ok()) ready = Prepare(call_options, call->context);
    if (!ready.ok()) {
      done(std::move(ready));
      return nullptr;
    }
    call->request = std::move(request);
    call->done = std::move(done);
    calls.Add();
    // The arguments point into *call, which the function keeps alive for as long as gRPC needs it.
    // It goes before the call stops to count, and the channel that its context holds with it: gRPC
    // joins the threads that run callbacks when the last channel goes, so that must not happen on
    // one of them.
    (stub->async()->*method)(&call->context, call->request.get(), &call->response,
                             [this, call](const grpc::Status& status) mutable {
                               Finish(status, *call);
                               call.reset();
                               calls.Remove();
                             });
    return {call, &call->context};
  }

  // Runs the callback, and destroys it with all that it holds before the call stops to count.
  template <typename Request, typename Response>
  static void Finish(const grpc::Status& status, AsyncCall<Request, Response>& call) {
    const Callback<Response> done = std::move(call.done);
    if (status.ok()) {
      done(std::move(call.response));
    } else {
      done(ToAbslStatus(status, call.context));
    }
  }

  const ClientOptions options;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::Inference::Stub> stub;
  const std::unique_ptr<grpc::health::v1::Health::Stub> health_stub;
  CallCount calls;
};

void CallHandle::Cancel() const {
  if (const std::shared_ptr<grpc::ClientContext> context = context_.lock()) context->TryCancel();
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(std::move(options))));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() { impl_->calls.WaitForNone(); }

absl::StatusOr<v1::EncodeResponse> Client::Encode(const v1::EncodeRequest& request,
                                                  const CallOptions& options) {
  return impl_->Call<v1::EncodeRequest, v1::EncodeResponse>(&v1::Inference::Stub::Encode, request,
                                                            options);
}

absl::StatusOr<v1::ClassifyResponse> Client::Classify(const v1::ClassifyRequest& request,
                                                      const CallOptions& options) {
  return impl_->Call<v1::ClassifyRequest, v1::ClassifyResponse>(&v1::Inference::Stub::Classify,
                                                                request, options);
}

absl::StatusOr<v1::RerankResponse> Client::Rerank(const v1::RerankRequest& request,
                                                  const CallOptions& options) {
  return impl_->Call<v1::RerankRequest, v1::RerankResponse>(&v1::Inference::Stub::Rerank, request,
                                                            options);
}

absl::StatusOr<v1::TokenizeResponse> Client::Tokenize(const v1::TokenizeRequest& request,
                                                      const CallOptions& options) {
  return impl_->Call<v1::TokenizeRequest, v1::TokenizeResponse>(&v1::Inference::Stub::Tokenize,
                                                                request, options);
}

absl::StatusOr<v1::GetModelResponse> Client::GetModel(const v1::GetModelRequest& request,
                                                      const CallOptions& options) {
  return impl_->Call<v1::GetModelRequest, v1::GetModelResponse>(&v1::Inference::Stub::GetModel,
                                                                request, options);
}

CallHandle Client::EncodeAsync(std::shared_ptr<const v1::EncodeRequest> request,
                               const CallOptions& options, Callback<v1::EncodeResponse> done) {
  return CallHandle(impl_->Start<v1::EncodeRequest, v1::EncodeResponse>(
      &v1::Inference::StubInterface::async_interface::Encode, std::move(request), options,
      std::move(done)));
}

CallHandle Client::ClassifyAsync(std::shared_ptr<const v1::ClassifyRequest> request,
                                 const CallOptions& options, Callback<v1::ClassifyResponse> done) {
  return CallHandle(impl_->Start<v1::ClassifyRequest, v1::ClassifyResponse>(
      &v1::Inference::StubInterface::async_interface::Classify, std::move(request), options,
      std::move(done)));
}

CallHandle Client::RerankAsync(std::shared_ptr<const v1::RerankRequest> request,
                               const CallOptions& options, Callback<v1::RerankResponse> done) {
  return CallHandle(impl_->Start<v1::RerankRequest, v1::RerankResponse>(
      &v1::Inference::StubInterface::async_interface::Rerank, std::move(request), options,
      std::move(done)));
}

CallHandle Client::TokenizeAsync(std::shared_ptr<const v1::TokenizeRequest> request,
                                 const CallOptions& options, Callback<v1::TokenizeResponse> done) {
  return CallHandle(impl_->Start<v1::TokenizeRequest, v1::TokenizeResponse>(
      &v1::Inference::StubInterface::async_interface::Tokenize, std::move(request), options,
      std::move(done)));
}

std::future<absl::StatusOr<v1::EncodeResponse>> Client::EncodeFuture(v1::EncodeRequest request,
                                                                     const CallOptions& options) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<v1::EncodeResponse>>>();
  EncodeAsync(std::make_shared<const v1::EncodeRequest>(std::move(request)), options,
              [promise](absl::StatusOr<v1::EncodeResponse> response) {
                promise->set_value(std::move(response));
              });
  return promise->get_future();
}

std::future<absl::StatusOr<v1::ClassifyResponse>> Client::ClassifyFuture(
    v1::ClassifyRequest request, const CallOptions& options) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<v1::ClassifyResponse>>>();
  ClassifyAsync(std::make_shared<const v1::ClassifyRequest>(std::move(request)), options,
                [promise](absl::StatusOr<v1::ClassifyResponse> response) {
                  promise->set_value(std::move(response));
                });
  return promise->get_future();
}

absl::StatusOr<Health> Client::CheckHealth(const std::string& service, const CallOptions& options) {
  grpc::ClientContext context;
  if (absl::Status status = impl_->Prepare(options, context); !status.ok()) return status;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = impl_->health_stub->Check(&context, request, &response);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return Health::kServiceUnknown;
  if (!status.ok()) return ToAbslStatus(status, context);
  return ToHealth(response.status());
}

absl::Status Client::WaitUntilServing(Milliseconds timeout, const std::string& service) {
  constexpr Milliseconds kPauseBetweenWatches{100};
  const auto deadline = std::chrono::system_clock::now() + timeout;
  std::string last_seen = "no server reached";
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    context.set_wait_for_ready(true);
    const auto reader = impl_->health_stub->Watch(&context, request);
    grpc::health::v1::HealthCheckResponse response;
    while (reader->Read(&response)) {
      if (ToHealth(response.status()) == Health::kServing) {
        context.TryCancel();
        reader->Finish();
        return absl::OkStatus();
      }
      last_seen = absl::StrCat(
          "the last answer was ",
          grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status()));
    }
    const grpc::Status status = reader->Finish();
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      return ToAbslStatus(status, context);
    }
    if (std::chrono::system_clock::now() + kPauseBetweenWatches >= deadline) {
      return absl::DeadlineExceededError(
          absl::StrCat("not SERVING within ", timeout.count(), " ms: ", last_seen));
    }
    std::this_thread::sleep_for(kPauseBetweenWatches);
  }
}

}  // namespace synth::client
