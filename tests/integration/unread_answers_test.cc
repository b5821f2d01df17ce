// Clients that do not read their answers: what waits for them is bounded in bytes and in time, and
// nobody else notices.
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/async_unary_call.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/running_server.h"

namespace synth::server {
namespace {

// A Tokenize call whose answer of some hundred kilobytes is not asked for: the client's HTTP/2
// window stays as small as it was, and the server cannot send it.
class UnreadCall {
 public:
  explicit UnreadCall(const RunningServer& running) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1024);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ =
        grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(running.server().grpc_port()),
                                  grpc::InsecureChannelCredentials(), arguments);
    v1::TokenizeRequest request;
    for (int i = 0; i < 200; ++i) {
      std::string& text = *request.add_texts();
      for (int word = 0; word < 200; ++word) text += "balance ";
    }
    call_ = v1::Inference::NewStub(channel_)->AsyncTokenize(&context_, request, &queue_);
    call_->ReadInitialMetadata(this);  // sends the request
  }
  ~UnreadCall() {
    context_.TryCancel();
    Read();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }
  UnreadCall(const UnreadCall&) = delete;
  UnreadCall& operator=(const UnreadCall&) = delete;

  // Asks for the answer after all.
  const grpc::Status& Read() {
    if (is_read_) return status_;
    is_read_ = true;
    call_->Finish(&response_, &status_, this);
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);  // the initial metadata
    queue_.Next(&tag, &ok);
    return status_;
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::TokenizeResponse>> call_;
  v1::TokenizeResponse response_;
  grpc::Status status_;
  bool is_read_ = false;
};

TEST(UnreadAnswersTest, OneThatIsReadLateArrivesWhole) {
  RunningServer running;
  UnreadCall call(running);
  ASSERT_TRUE(
      RunningServer::Eventually([&] { return running.Metric("synth_unflushed_bytes") > 100'000; }));
  EXPECT_EQ(running.Metric("synth_streams"), 1);
  EXPECT_TRUE(call.Read().ok()) << call.Read().error_message();
  EXPECT_TRUE(
      RunningServer::Eventually([&] { return running.Metric("synth_unflushed_bytes") == 0; }));
}

TEST(UnreadAnswersTest, OneThatNobodyReadsIsCancelledInTheEnd) {
  Options options = TestOptions();
  options.response_timeout = std::chrono::milliseconds(300);
  RunningServer running(options);
  UnreadCall call(running);
  ASSERT_TRUE(
      RunningServer::Eventually([&] { return running.Metric("synth_unflushed_bytes") > 100'000; }));
  EXPECT_TRUE(
      RunningServer::Eventually([&] { return running.Metric("synth_unflushed_bytes") == 0; }));
  EXPECT_EQ(running.Metric("synth_streams"), 0);
  EXPECT_FALSE(call.Read().ok());
}

TEST(UnreadAnswersTest, TheirBytesAreBounded) {
  Options options = TestOptions();
  options.max_unflushed_bytes = 1'000'000;
  options.max_queue_tokens = 10'000'000;
  RunningServer running(options);
  std::vector<std::unique_ptr<UnreadCall>> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(std::make_unique<UnreadCall>(running));
  const std::string refused =
      R"(grpc_server_handled_total{grpc_code="ResourceExhausted",grpc_method="Tokenize",)"
      R"(grpc_service="synth.v1.Inference",grpc_type="unary"})";
  ASSERT_TRUE(RunningServer::Eventually([&] { return running.Metric(refused) > 0; }));
  EXPECT_LE(running.Metric("synth_unflushed_bytes"), 1'000'000);
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
}

TEST(UnreadAnswersTest, TheyDoNotHoldADrain) {
  RunningServer running;
  UnreadCall call(running);
  ASSERT_TRUE(
      RunningServer::Eventually([&] { return running.Metric("synth_unflushed_bytes") > 100'000; }));
  EXPECT_TRUE(running.server().Drain()) << "the call was answered in time";
}

}  // namespace
}  // namespace synth::server
