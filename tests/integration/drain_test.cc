// SIGTERM under load: no call that was taken is lost, health turns first, and the exit code is 0.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "synth/v1/inference.grpc.pb.h"
#include "tests/integration/long_request.h"
#include "tests/integration/process.h"
#include "tests/integration/synthserve.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

v1::ClassifyRequest SomeTexts() {
  v1::ClassifyRequest request;
  for (int i = 0; i < 20; ++i) request.add_texts("what is my checking account balance");
  return request;
}

TEST(DrainTest, NoCallIsLostUnderLoad) {
  Synthserve synthserve;
  constexpr int kClients = 4;
  std::atomic<int> answered = 0;
  std::atomic<int> unavailable = 0;
  std::atomic<int> other = 0;
  std::vector<std::jthread> clients;
  clients.reserve(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      const std::unique_ptr<v1::Inference::Stub> stub =
          v1::Inference::NewStub(synthserve.Connect());
      const v1::ClassifyRequest request = SomeTexts();
      // Ends when the server refuses: it is gone, and this client has nobody else to turn to.
      while (true) {
        v1::ClassifyResponse response;
        grpc::ClientContext context;
        const grpc::Status status = stub->Classify(&context, request, &response);
        if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
          ++unavailable;
          return;
        }
        if (status.ok() && response.results_size() == request.texts_size()) {
          ++answered;
        } else {
          ++other;
          ADD_FAILURE() << status.error_code() << " " << status.error_message();
        }
      }
    });
  }
  while (answered < 50) std::this_thread::yield();
  synthserve.process().Signal(SIGTERM);
  clients.clear();

  EXPECT_EQ(other, 0) << "every call is answered, or refused with UNAVAILABLE before it was taken";
  EXPECT_EQ(unavailable, kClients);
  EXPECT_THAT(synthserve.process().ReadLineWith("\"stopped\""),
              HasSubstr("\"all_calls_finished\":true"));
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

// UNAVAILABLE is what clients and proxies send again elsewhere. After CANCELLED they give up.
TEST(DrainTest, EveryCallThatComesTooLateIsUnavailable) {
  constexpr int kDrains = 5;  // the last calls must meet gRPC's shutdown just so
  constexpr int kConnections = 4;
  constexpr int kCallsAtOnce = 8;  // of each
  for (int drain = 0; drain < kDrains; ++drain) {
    Synthserve synthserve;
    std::atomic<bool> is_gone = false;
    std::atomic<int> answered = 0;
    std::atomic<int> unavailable = 0;
    std::vector<std::jthread> callers;
    for (int i = 0; i < kConnections; ++i) {
      grpc::ChannelArguments own;
      own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
      const auto channel =
          grpc::CreateCustomChannel(synthserve.Target(), grpc::InsecureChannelCredentials(), own);
      for (int j = 0; j < kCallsAtOnce; ++j) {
        callers.emplace_back([&, stub = v1::Inference::NewStub(channel)] {
          v1::ClassifyRequest request;
          request.add_texts("hi");
          while (!is_gone) {
            v1::ClassifyResponse response;
            grpc::ClientContext context;
            const grpc::Status status = stub->Classify(&context, request, &response);
            if (status.ok()) {
              ++answered;
            } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
              ++unavailable;
            } else {
              ADD_FAILURE() << status.error_code() << " " << status.error_message();
            }
          }
        });
      }
    }
    while (answered < 200) std::this_thread::yield();
    synthserve.process().Signal(SIGTERM);
    EXPECT_EQ(synthserve.process().Wait(), 0);
    is_gone = true;
    callers.clear();
    EXPECT_GT(unavailable, 0);
  }
}

TEST(DrainTest, ACallInFlightIsFinished) {
  Synthserve synthserve({"--lanes", "1", "--drain-timeout", "10m"});  // however slow the machine is
  const std::unique_ptr<v1::Inference::Stub> stub = v1::Inference::NewStub(synthserve.Connect());
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  grpc::Status status;
  std::jthread caller([&] { status = stub->Classify(&context, LongRequest(1000), &response); });
  synthserve.AwaitBusy();
  synthserve.process().Signal(SIGTERM);
  caller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 1000);
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(DrainTest, CallsAreServedDuringTheDelay) {
  Synthserve synthserve({"--drain-delay", "1s"});
  const std::unique_ptr<v1::Inference::Stub> stub = v1::Inference::NewStub(synthserve.Connect());
  synthserve.process().Signal(SIGTERM);
  ASSERT_THAT(synthserve.process().ReadLineWith("\"draining\""), HasSubstr("\"delay_ms\":1000"));
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  EXPECT_TRUE(stub->Classify(&context, SomeTexts(), &response).ok());
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(DrainTest, TheBoundHolds) {
  // More work than fits in the bound: the call is ended, and the exit code says so.
  Synthserve synthserve({"--lanes", "1", "--drain-timeout", "50ms", "--max-texts", "100000",
                         "--max-message-bytes", "16777216"});
  const std::unique_ptr<v1::Inference::Stub> stub = v1::Inference::NewStub(synthserve.Connect());
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  grpc::Status status;
  std::jthread caller([&] { status = stub->Classify(&context, LongRequest(5000), &response); });
  synthserve.AwaitBusy();
  const auto start = std::chrono::steady_clock::now();
  synthserve.process().Signal(SIGTERM);
  EXPECT_EQ(synthserve.process().Wait(), 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  caller.join();
  EXPECT_FALSE(status.ok());
}

TEST(DrainTest, AWrongOptionEndsWithTwoAndAMissingModelWithOne) {
  EXPECT_EQ(Process({paths::SynthserveBinary(), "--nonsense"}).Wait(), 2);
  EXPECT_EQ(Process({paths::SynthserveBinary()}).Wait(), 2) << "--model is required";
  Process ghost({paths::SynthserveBinary(), "--model", "/nonexistent"});
  EXPECT_THAT(ghost.ReadLineWith("start_failed"), HasSubstr("/nonexistent"));
  EXPECT_EQ(ghost.Wait(), 1);
}

TEST(DrainTest, OptionsComeFromTheEnvironmentToo) {
  Process process({paths::SynthserveBinary()},
                  {"SYNTHSERVE_MODEL=" + Synthserve::Model(), "SYNTHSERVE_LISTEN=127.0.0.1:0",
                   "SYNTHSERVE_METRICS_LISTEN=", "SYNTHSERVE_LANES=1"});
  EXPECT_THAT(process.ReadLineWith("starting"), HasSubstr("lanes=1"));
  EXPECT_FALSE(process.ReadLineWith("serving").empty());
  process.Signal(SIGINT);
  EXPECT_EQ(process.Wait(), 0);
}

}  // namespace
}  // namespace synth::server
