// Clients that keep every rule of HTTP/2 and still cost more than a call: calls that are reset at
// once, and header blocks without end. Their connection is closed; nobody else notices.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/running_server.h"
#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

enum FrameType : char { kHeaders = 1, kReset = 3, kContinuation = 9 };
constexpr char kEndHeaders = 4;

std::string Frame(FrameType type, char flags, std::uint32_t stream, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += flags;
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return frame + payload;
}

// A header field that no table takes up; both texts have less than 127 bytes.
std::string Field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

std::string CallHeaders() {
  return Field(":method", "POST") + Field(":scheme", "http") +
         Field(":path", "/synth.v1.Inference/Classify") + Field(":authority", "test") +
         Field("te", "trailers") + Field("content-type", "application/grpc");
}

// A connection after its first words.
RawClient Connect(const RunningServer& running) {
  RawClient client(running.server().grpc_port());
  EXPECT_TRUE(client.Send(Http2Greeting()));
  return client;
}

double Closed(const RunningServer& running, const std::string& reason) {
  return running.Metric("synth_connections_closed_total{reason=\"" + reason + "\"}");
}

TEST(FramesTest, CallsThatAreBegunAndResetCloseTheirConnection) {
  RunningServer running;
  const RawClient client = Connect(running);
  std::uint32_t stream = 1;
  // As fast as the server reads; each round is more than a connection may hold.
  while (stream < 20'000'000) {
    std::string frames;
    for (int i = 0; i < 5000; ++i, stream += 2) {
      frames += Frame(kHeaders, kEndHeaders, stream, CallHeaders());
      frames += Frame(kReset, 0, stream, std::string("\0\0\0\x08", 4));
    }
    if (!client.Send(frames)) break;
  }
  EXPECT_GE(Closed(running, "streams"), 1);
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
}

TEST(FramesTest, AHeaderBlockWithoutEndClosesItsConnection) {
  RunningServer running;
  const RawClient client = Connect(running);
  ASSERT_TRUE(client.Send(Frame(kHeaders, 0, 1, CallHeaders())));
  std::string block;
  while (block.size() < 16'000) block += Field("x-a", std::string(100, 'b'));
  const std::string frame = Frame(kContinuation, 0, 1, block);
  std::int64_t sent = 0;
  while (sent < 10'000'000'000 && client.Send(frame))
    sent += static_cast<std::int64_t>(frame.size());
  EXPECT_GE(Closed(running, "bytes"), 1);
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
}

TEST(FramesTest, ACallThatIsResetBeforeItsMessageCountsAsCancelled) {
  RunningServer running;
  const auto handled = [&](const std::string& code) {
    return running.Metric("grpc_server_handled_total{grpc_code=\"" + code +
                          "\",grpc_method=\"Classify\",grpc_service=\"synth.v1.Inference\","
                          "grpc_type=\"unary\"}");
  };
  const RawClient client = Connect(running);
  std::string frames;
  for (std::uint32_t stream = 1; stream < 200; stream += 2) {
    frames += Frame(kHeaders, kEndHeaders, stream, CallHeaders());
    frames += Frame(kReset, 0, stream, std::string("\0\0\0\x08", 4));
  }
  ASSERT_TRUE(client.Send(frames));
  EXPECT_TRUE(RunningServer::Eventually([&] { return handled("Canceled") == 100; }))
      << handled("Canceled");
  EXPECT_FALSE(handled("InvalidArgument") > 0);
}

TEST(FramesTest, LargeRequestsAreProgress) {
  RunningServer running;
  v1::TokenizeRequest request;
  for (int i = 0; i < 15; ++i) request.add_texts(std::string(250'000, 'a'));
  for (int i = 0; i < 4; ++i) {
    v1::TokenizeResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running.stub().Tokenize(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(Closed(running, "bytes"), 0);
}

TEST(FramesTest, AClientThatCancelsOftenKeepsItsConnection) {
  RunningServer running;
  v1::ClassifyRequest request;
  for (int i = 0; i < 32; ++i) request.add_texts("play some jazz music in the kitchen");
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<AsyncClassify>> calls;
    for (int i = 0; i < 100; ++i)
      calls.push_back(std::make_unique<AsyncClassify>(running.stub(), request));
    for (const auto& call : calls) call->Cancel();
    for (const auto& call : calls) call->Wait();
    EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
  }
  EXPECT_EQ(Closed(running, "streams"), 0);
  EXPECT_EQ(Closed(running, "bytes"), 0);
}

}  // namespace
}  // namespace synth::server
