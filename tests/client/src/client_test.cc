#include "synth/client/client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "synth/client/status.h"
#include "tests/client/fake_server.h"

namespace synth::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

v1::EncodeRequest RequestOf(const std::string& text) {
  v1::EncodeRequest request;
  request.add_texts(text);
  return request;
}

// A handler that waits until its call is cancelled, and says when it has begun.
class BlockingHandler {
 public:
  grpc::Status operator()(grpc::ServerContext& context) {
    begun_.set_value();
    while (!context.IsCancelled()) std::this_thread::sleep_for(milliseconds(1));
    return grpc::Status::CANCELLED;
  }
  void WaitUntilBegun() { begun_.get_future().wait(); }

 private:
  std::promise<void> begun_;
};

TEST(ClientOptions, OnesOutsideTheirRangeAreNamed) {
  const auto message = [](const std::function<void(ClientOptions&)>& change) {
    ClientOptions options;
    change(options);
    return std::string(Client::Create(options).status().message());
  };
  EXPECT_EQ(message([](auto& options) { options.target = ""; }), "target: empty");
  EXPECT_EQ(message([](auto& options) { options.retry.max_attempts = 6; }),
            "retry.max_attempts: must be 1 to 5, is 6");
  EXPECT_NE(message([](auto& options) { options.default_deadline = milliseconds(0); }), "");
  EXPECT_NE(message([](auto& options) { options.retry.max_backoff = milliseconds(1); }), "");
  EXPECT_NE(message([](auto& options) { options.retry.backoff_multiplier = 0.5; }), "");
  EXPECT_NE(message([](auto& options) { options.max_message_bytes = 0; }), "");
  EXPECT_NE(message([](auto& options) { options.keepalive_timeout = milliseconds(0); }), "");
  EXPECT_NE(message([](auto& options) { options.max_reconnect_backoff = milliseconds(9); }), "");
}

TEST(Client, EveryMethodReachesTheServer) {
  const FakeServer server;
  const std::unique_ptr<Client> client = server.Connect();
  const auto encoded = client->Encode(RequestOf("abc"));
  ASSERT_TRUE(encoded.ok()) << encoded.status();
  EXPECT_EQ(encoded->results(0).embedding(0), 3.0F);

  v1::ClassifyRequest classify;
  classify.add_texts("abc");
  EXPECT_EQ(client->Classify(classify)->results(0).labels(0).name(), "short");
  v1::TokenizeRequest tokenize;
  tokenize.add_texts("abc");
  EXPECT_EQ(client->Tokenize(tokenize)->results(0).ids_size(), 3);
  EXPECT_EQ(client->GetModel()->model().name(), "fake");
  EXPECT_EQ(client->EncodeFuture(RequestOf("abcd")).get()->results(0).embedding(0), 4.0F);
  EXPECT_EQ(client->ClassifyFuture(classify).get()->results(0).labels(0).name(), "short");
}

TEST(Client, TheServerSeesMetadataDeadlineAndUserAgent) {
  FakeServer server;
  std::string tenant;
  std::string agent;
  std::chrono::system_clock::time_point deadline;
  server.encode = [&](grpc::ServerContext& context, const auto& request, auto& response) {
    const auto& metadata = context.client_metadata();
    tenant = std::string(metadata.find("x-tenant")->second.data(),
                         metadata.find("x-tenant")->second.size());
    agent = std::string(metadata.find("user-agent")->second.data(),
                        metadata.find("user-agent")->second.size());
    deadline = context.deadline();
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  ClientOptions options;
  options.user_agent = "tester/1";
  CallOptions call;
  call.deadline = seconds(100);
  call.metadata = {{"x-tenant", "blue"}};
  ASSERT_TRUE(server.Connect(options)->Encode(RequestOf("a"), call).ok());
  EXPECT_EQ(tenant, "blue");
  EXPECT_EQ(agent.substr(0, 8), "tester/1");
  const auto left = deadline - std::chrono::system_clock::now();
  EXPECT_GT(left, seconds(60));
  EXPECT_LE(left, seconds(101));
}

TEST(Client, UnavailableIsTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.encode = [&](auto&, const auto& request, auto& response) {
    if (++calls < 3) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  ClientOptions options;
  options.retry.initial_backoff = milliseconds(1);
  for (const size_t bytes : {size_t{1}, size_t{1} << 20}) {
    calls = 0;
    EXPECT_TRUE(server.Connect(options)->Encode(RequestOf(std::string(bytes, 'a'))).ok()) << bytes;
    EXPECT_EQ(calls, 3) << bytes;
  }
}

TEST(Client, AFullServerIsTriedAgainWhenItSaid) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.encode = [&](auto& context, const auto& request, auto& response) {
    if (++calls == 1) {
      context.AddTrailingMetadata("grpc-retry-pushback-ms", "200");
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the queue is full");
    }
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  ClientOptions options;
  options.retry.initial_backoff = milliseconds(1);
  options.retry.max_backoff = milliseconds(1);
  const auto begin = SteadyClock::now();
  EXPECT_TRUE(server.Connect(options)->EncodeFuture(RequestOf("a")).get().ok());
  EXPECT_GE(SteadyClock::now() - begin, milliseconds(195));
  EXPECT_EQ(calls, 2);
}

TEST(Client, AttemptsEnd) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.encode = [&](auto&, const auto&, auto&) {
    ++calls;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining");
  };
  ClientOptions options;
  options.retry.max_attempts = 3;
  options.retry.initial_backoff = milliseconds(1);
  EXPECT_EQ(server.Connect(options)->Encode(RequestOf("a")).status(),
            absl::UnavailableError("draining"));
  EXPECT_EQ(calls, 3);
}

TEST(Client, OtherErrorsAndOneAttemptAreNotTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  std::atomic<int> code = grpc::StatusCode::INVALID_ARGUMENT;
  server.encode = [&](auto&, const auto&, auto&) {
    ++calls;
    return grpc::Status(static_cast<grpc::StatusCode>(code.load()), "no");
  };
  EXPECT_EQ(server.Connect()->Encode(RequestOf("a")).status(), absl::InvalidArgumentError("no"));
  EXPECT_EQ(calls, 1);
  code = grpc::StatusCode::UNAVAILABLE;
  ClientOptions once;
  once.retry.max_attempts = 1;
  EXPECT_EQ(server.Connect(once)->Encode(RequestOf("a")).status(), absl::UnavailableError("no"));
  EXPECT_EQ(calls, 2);
}

TEST(Client, ABusyServerMayBeLeftToTheCaller) {
  FakeServer server;
  std::atomic<int> calls = 0;
  std::atomic<int> code = grpc::StatusCode::RESOURCE_EXHAUSTED;
  server.encode = [&](auto&, const auto&, auto&) {
    ++calls;
    return grpc::Status(static_cast<grpc::StatusCode>(code.load()), "no");
  };
  ClientOptions options;
  options.retry.when_busy = false;
  options.retry.max_attempts = 3;
  options.retry.initial_backoff = milliseconds(1);
  const std::unique_ptr<Client> client = server.Connect(options);
  EXPECT_EQ(client->Encode(RequestOf("a")).status(), absl::ResourceExhaustedError("no"));
  EXPECT_EQ(calls, 1);
  code = grpc::StatusCode::UNAVAILABLE;
  EXPECT_EQ(client->Encode(RequestOf("a")).status(), absl::UnavailableError("no"));
  EXPECT_EQ(calls, 4);
}

TEST(Client, TheDeadlineEndsACall) {
  FakeServer server;
  BlockingHandler handler;
  server.encode = [&](auto& context, const auto&, auto&) { return handler(context); };
  CallOptions call;
  call.deadline = milliseconds(100);
  EXPECT_EQ(server.Connect()->Encode(RequestOf("a"), call).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(Client, ADeadlineMustBePositive) {
  const FakeServer server;
  CallOptions call;
  call.deadline = milliseconds(0);
  const std::unique_ptr<Client> client = server.Connect();
  EXPECT_EQ(client->Encode(RequestOf("a"), call).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(client->EncodeFuture(RequestOf("a"), call).get().status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Client, ATextThatIsNotUtf8IsNamedWithoutACall) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.encode = [&](auto&, const auto&, auto&) {
    ++calls;
    return grpc::Status::OK;
  };
  v1::EncodeRequest request = RequestOf("fine");
  request.add_texts("caf\xE9");
  EXPECT_EQ(server.Connect()->Encode(request).status(),
            absl::InvalidArgumentError("texts[1]: not UTF-8: byte 0xE9 at offset 3"));
  EXPECT_EQ(calls, 0);
}

TEST(Client, AHandleCancelsItsCall) {
  FakeServer server;
  BlockingHandler handler;
  server.encode = [&](auto& context, const auto&, auto&) { return handler(context); };
  std::promise<absl::Status> ended;
  const std::unique_ptr<Client> client = server.Connect();
  const CallHandle call =
      client->EncodeAsync(std::make_shared<v1::EncodeRequest>(RequestOf("a")), {},
                          [&](const auto& response) { ended.set_value(response.status()); });
  handler.WaitUntilBegun();
  call.Cancel();
  EXPECT_EQ(ended.get_future().get().code(), absl::StatusCode::kCancelled);
  call.Cancel();          // ended already
  CallHandle().Cancel();  // never began
}

TEST(Client, ItsDestructorWaitsForCallbacks) {
  FakeServer server;
  BlockingHandler handler;
  server.encode = [&](auto& context, const auto&, auto&) { return handler(context); };
  std::atomic<bool> ran = false;
  CallOptions call;
  call.deadline = milliseconds(100);
  CallHandle handle;
  {
    const std::unique_ptr<Client> client = server.Connect();
    handle = client->EncodeAsync(std::make_shared<v1::EncodeRequest>(RequestOf("a")), call,
                                 [&](const auto&) { ran = true; });
  }
  EXPECT_TRUE(ran);
  handle.Cancel();
}

// gRPC joins its callback threads when the last channel goes. That must not happen on one of them.
TEST(Client, TheLastClientMayGoWhileACallbackEnds) {
  const FakeServer server;
  const auto request = std::make_shared<const v1::EncodeRequest>(RequestOf("a"));
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<bool> ran = false;
    server.Connect()->EncodeAsync(request, {}, [&ran](const auto& response) {
      EXPECT_TRUE(response.ok());
      ran = true;
    });
    ASSERT_TRUE(ran);
  }
}

TEST(Client, ACallbackMayStartTheNextCall) {
  const FakeServer server;
  std::promise<int> done;
  const std::unique_ptr<Client> client = server.Connect();
  const auto request = std::make_shared<const v1::EncodeRequest>(RequestOf("a"));
  int left = 100;
  std::function<void(absl::StatusOr<v1::EncodeResponse>)> next = [&](const auto& response) {
    EXPECT_TRUE(response.ok());
    if (--left == 0) {
      done.set_value(left);
    } else {
      client->EncodeAsync(request, {}, next);
    }
  };
  client->EncodeAsync(request, {}, next);
  EXPECT_EQ(done.get_future().get(), 0);
}

TEST(Client, NobodyThereIsUnavailable) {
  ClientOptions options;
  options.target = "127.0.0.1:1";
  options.retry.max_attempts = 1;
  const auto client = *Client::Create(options);
  EXPECT_EQ(client->Encode(RequestOf("a")).status().code(), absl::StatusCode::kUnavailable);
  CallOptions waits;
  waits.deadline = milliseconds(100);
  waits.wait_for_ready = true;
  EXPECT_EQ(client->Encode(RequestOf("a"), waits).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(Health, FollowsTheServer) {
  FakeServer server;
  const std::unique_ptr<Client> client = server.Connect();
  EXPECT_EQ(*client->CheckHealth(), Health::kServing);
  EXPECT_TRUE(client->WaitUntilServing(seconds(10)).ok());
  server.SetServing(false);
  EXPECT_EQ(*client->CheckHealth(), Health::kNotServing);
  const absl::Status waited = client->WaitUntilServing(milliseconds(200));
  EXPECT_EQ(waited.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(waited.message().find("NOT_SERVING"), absl::string_view::npos) << waited;
  EXPECT_EQ(*client->CheckHealth("no.such.Service"), Health::kServiceUnknown);

  auto waiting =
      std::async(std::launch::async, [&client] { return client->WaitUntilServing(seconds(30)); });
  server.SetServing(true);
  EXPECT_TRUE(waiting.get().ok());
}

TEST(Health, NobodyThereIsUnavailable) {
  ClientOptions options;
  options.target = "127.0.0.1:1";
  const auto client = *Client::Create(options);
  EXPECT_EQ(client->CheckHealth().status().code(), absl::StatusCode::kUnavailable);
  const absl::Status waited = client->WaitUntilServing(milliseconds(200));
  EXPECT_EQ(waited.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(waited.message().find("no server reached"), absl::string_view::npos) << waited;
}

}  // namespace
}  // namespace synth::client
