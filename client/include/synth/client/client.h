// A client of synthserve: connections, deadlines, retries; calls that block and calls that do not.
//
//   absl::StatusOr<std::unique_ptr<Client>> client = Client::Create({.target = "embedder:50051"});
//   synth::v1::EncodeRequest request;
//   request.add_texts("hello");
//   absl::StatusOr<synth::v1::EncodeResponse> response = (*client)->Encode(request);
//
// A response is OK even if some of its texts failed: look at `status` of each result.
// For many texts see bulk.h.
#ifndef SYNTH_CLIENT_CLIENT_H_
#define SYNTH_CLIENT_CLIENT_H_

#include <grpcpp/client_context.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "synth/v1/inference.pb.h"

namespace synth::client {

// When a call that failed with UNAVAILABLE or RESOURCE_EXHAUSTED is sent again, by gRPC itself. The
// server's retry hint takes the place of the backoff. All attempts share the call's deadline, and
// no call is retried while most calls to the target fail.
struct RetryPolicy {
  int max_attempts = 4;  // 1 (no retries) to 5
  // The wait before attempt k + 1 is random in [0, min(initial * multiplier^(k - 1), max)].
  std::chrono::milliseconds initial_backoff{50};  // > 0
  std::chrono::milliseconds max_backoff{2000};    // >= initial_backoff
  double backoff_multiplier = 2.0;                // >= 1
  bool when_busy = true;  // false: only UNAVAILABLE is tried again, not RESOURCE_EXHAUSTED
};

struct ClientOptions {
  // Where the server is, as a gRPC name: "host:port", "dns:///host:port", "unix:/path". Calls are
  // spread over all addresses of the name in turn. gRPC goes through the proxy that grpc_proxy,
  // https_proxy or http_proxy names, except for what no_proxy lists. This machine (localhost,
  // 127.0.0.0/8, ::1) is always reached directly.
  std::string target = "127.0.0.1:50051";
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: no encryption
  std::chrono::milliseconds default_deadline{10'000};     // of calls that name none; > 0
  RetryPolicy retry;
  int max_message_bytes = 64 << 20;  // of one response; > 0
  // A ping after this time without traffic finds dead connections; 0: none. Servers refuse clients
  // that ping more often than they allow (gRPC's default: 5 minutes).
  std::chrono::milliseconds keepalive_time{0};
  std::chrono::milliseconds keepalive_timeout{20'000};    // for the answer to such a ping; > 0
  std::chrono::milliseconds max_reconnect_backoff{5000};  // between attempts to connect; >= 100 ms
  std::string user_agent;                                 // put before gRPC's own
};

struct CallOptions {
  std::optional<std::chrono::milliseconds> deadline;  // from the start of the call; > 0
  // Whether the call waits for a server until its deadline, or fails with UNAVAILABLE where none is
  // reachable.
  bool wait_for_ready = false;
  std::vector<std::pair<std::string, std::string>> metadata;  // keys in lower case
};

// A call under way. Copies stand for the same call. Outliving the call or its client does no harm.
class CallHandle {
 public:
  CallHandle() = default;
  // Asks the call to end; its callback then runs with CANCELLED, or with the result if that came
  // first. Does nothing for a call that has ended. May be called from any thread, also from
  // callbacks.
  void Cancel() const;

 private:
  friend class Client;
  explicit CallHandle(std::weak_ptr<grpc::ClientContext> context) : context_(std::move(context)) {}
  std::weak_ptr<grpc::ClientContext> context_;
};

// Receives a call's outcome, once, on a thread of gRPC: it must not block and must not throw. It
// may start other calls. It must not destroy the client.
template <typename Response>
using Callback = std::function<void(absl::StatusOr<Response>)>;

enum class Health {
  kUnknown,
  kServing,
  kNotServing,
  kServiceUnknown,  // the server does not know that service
};

// Thread-safe. Errors are those that proto/synth/v1/inference.proto lists, and:
// - INVALID_ARGUMENT: also without a call, if a text is not UTF-8 or a deadline is not positive.
// - UNAVAILABLE: also if no server can be reached.
// RetryAfter (status.h) reads the server's retry hint from them.
class Client {
 public:
  // Connects in the background, so a server that cannot be reached shows in the first call. Each
  // client has connections of its own. INVALID_ARGUMENT names an option outside its range.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // Waits until the callbacks of all calls have run, which the deadlines of the calls bound.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Blocking calls: return at the response, an error, or the deadline.
  absl::StatusOr<v1::EncodeResponse> Encode(const v1::EncodeRequest& request,
                                            const CallOptions& options = {});
  absl::StatusOr<v1::ClassifyResponse> Classify(const v1::ClassifyRequest& request,
                                                const CallOptions& options = {});
  absl::StatusOr<v1::RerankResponse> Rerank(const v1::RerankRequest& request,
                                            const CallOptions& options = {});
  absl::StatusOr<v1::TokenizeResponse> Tokenize(const v1::TokenizeRequest& request,
                                                const CallOptions& options = {});
  absl::StatusOr<v1::GetModelResponse> GetModel(const v1::GetModelRequest& request = {},
                                                const CallOptions& options = {});

  // The same without blocking. The call shares `request`, which nobody may change while the call
  // runs; one request may serve many calls at once. `done` always runs, and may run before this
  // returns.
  CallHandle EncodeAsync(std::shared_ptr<const v1::EncodeRequest> request,
                         const CallOptions& options, Callback<v1::EncodeResponse> done);
  CallHandle ClassifyAsync(std::shared_ptr<const v1::ClassifyRequest> request,
                           const CallOptions& options, Callback<v1::ClassifyResponse> done);
  CallHandle RerankAsync(std::shared_ptr<const v1::RerankRequest> request,
                         const CallOptions& options, Callback<v1::RerankResponse> done);
  CallHandle TokenizeAsync(std::shared_ptr<const v1::TokenizeRequest> request,
                           const CallOptions& options, Callback<v1::TokenizeResponse> done);

  // The same as futures, which do not block when they are destroyed.
  std::future<absl::StatusOr<v1::EncodeResponse>> EncodeFuture(v1::EncodeRequest request,
                                                               const CallOptions& options = {});
  std::future<absl::StatusOr<v1::ClassifyResponse>> ClassifyFuture(v1::ClassifyRequest request,
                                                                   const CallOptions& options = {});

  // What the server says of `service` (empty: of the server as a whole) in grpc.health.v1.
  absl::StatusOr<Health> CheckHealth(const std::string& service = "",
                                     const CallOptions& options = {});

  // Waits until `service` is SERVING, through connection failures and restarts. DEADLINE_EXCEEDED
  // says what was seen last.
  absl::Status WaitUntilServing(std::chrono::milliseconds timeout, const std::string& service = "");

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace synth::client

#endif  // SYNTH_CLIENT_CLIENT_H_
