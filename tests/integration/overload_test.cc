// More than the server can do: what does not fit is refused at once with a hint when to come back,
// and the rest is served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "synth/client/bulk.h"
#include "synth/client/client.h"
#include "tests/integration/running_server.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

TEST(OverloadTest, EveryCallIsServedOrRefusedAndNoneIsLost) {
  Options options = TestOptions();
  options.max_queue_tokens = 20'000;
  RunningServer running(options);
  constexpr int kCalls = 64;
  const v1::ClassifyRequest request = LongRequest(100);
  std::vector<std::unique_ptr<AsyncClassify>> calls;
  calls.reserve(kCalls);
  for (int i = 0; i < kCalls; ++i)
    calls.push_back(std::make_unique<AsyncClassify>(running.stub(), request));

  int served = 0;
  int refused = 0;
  for (const auto& call : calls) {
    const grpc::Status& status = call->Wait();
    if (status.ok()) {
      ++served;
      EXPECT_EQ(call->response().results_size(), 100);
      for (const v1::ClassifyResult& result : call->response().results())
        EXPECT_EQ(result.labels_size(), 1);
      continue;
    }
    ++refused;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("the queue is full"));
    EXPECT_GT(std::stoi(call->Trailer("grpc-retry-pushback-ms")), 0);
  }
  EXPECT_GT(served, 0);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(running.Metric(R"(synth_rejected_total{model="intent",reason="queue_full"})"), refused);
  EXPECT_EQ(running.Metric(R"(synth_texts_total{model="intent"})"), served * 100);
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance")
      << "and there is room again";
}

TEST(OverloadTest, ACallLargerThanTheQueueIsServedWhenNothingIsAhead) {
  Options options = TestOptions();
  options.max_queue_tokens = 10;
  RunningServer running(options);
  AsyncClassify call(running.stub(), LongRequest(20));
  EXPECT_TRUE(call.Wait().ok());
  EXPECT_EQ(call.response().results_size(), 20);
}

// A queue that holds one of the eight requests that the client would have under way.
TEST(OverloadTest, ABulkRunWaitsForRoomAndLosesNothing) {
  Options options = TestOptions();
  options.max_queue_tokens = 1000;
  RunningServer running(options);
  client::ClientOptions client_options;
  client_options.target = "127.0.0.1:" + std::to_string(running.server().grpc_port());
  client_options.retry.max_attempts = 1;
  const auto client = client::Client::Create(client_options);
  ASSERT_TRUE(client.ok()) << client.status();
  const v1::ClassifyRequest texts = LongRequest(400);
  client::BulkOptions bulk;
  bulk.texts_per_request = 16;
  bulk.max_in_flight = 8;
  std::vector<client::BulkResult<v1::ClassifyResult>> results;
  ASSERT_TRUE(client::ClassifyBulk(**client, {}, {texts.texts().begin(), texts.texts().end()}, bulk,
                                   results)
                  .ok());
  ASSERT_EQ(results.size(), 400U);
  for (const auto& result : results) EXPECT_TRUE(result.status.ok()) << result.status;
  EXPECT_GT(running.Metric(R"(synth_rejected_total{model="intent",reason="queue_full"})"), 0);
  EXPECT_EQ(running.Metric(R"(synth_texts_total{model="intent"})"), 400);
}

TEST(OverloadTest, AWaitBeyondTheLimitIsRefused) {
  Options options = TestOptions();
  options.max_queue_time = std::chrono::milliseconds(1);
  RunningServer running(options);
  // So that the server knows what a token costs.
  EXPECT_TRUE(AsyncClassify(running.stub(), LongRequest(100)).Wait().ok());
  AsyncClassify backlog(running.stub(), LongRequest());
  ASSERT_TRUE(RunningServer::Eventually(
      [&] { return running.Metric(R"(synth_queue_texts{model="intent"})") > 500; }));
  AsyncClassify light(running.stub(), LongRequest(1));
  EXPECT_TRUE(light.Wait().ok()) << "a short call does not wait for a long one";
  AsyncClassify late(running.stub(), LongRequest());
  EXPECT_EQ(late.Wait().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(late.Wait().error_message(), HasSubstr("the wait would be about"));
  EXPECT_EQ(running.Metric(R"(synth_rejected_total{model="intent",reason="predicted_wait"})"), 1);
  EXPECT_TRUE(backlog.Wait().ok());
}

}  // namespace
}  // namespace synth::server
