// A call that its client gave up costs no more compute.
#include <gtest/gtest.h>

#include "tests/integration/running_server.h"

namespace synth::server {
namespace {

TEST(CancelTest, WhatIsLeftOfACancelledCallIsDropped) {
  RunningServer running;
  AsyncClassify call(running.stub(), LongRequest());
  ASSERT_TRUE(RunningServer::Eventually(
      [&] { return running.Metric(R"(synth_texts_total{model="intent"})") > 0; }));
  call.Cancel();
  EXPECT_EQ(call.Wait().error_code(), grpc::StatusCode::CANCELLED);

  EXPECT_TRUE(RunningServer::Eventually([&] {
    return running.Metric(R"(synth_queue_texts{model="intent"})") == 0 &&
           running.Metric(R"(synth_lanes_busy{model="intent"})") == 0;
  }));
  const double dropped =
      running.Metric(R"(synth_dropped_total{model="intent",reason="cancelled"})");
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(running.Metric(R"(synth_texts_total{model="intent"})") + dropped, 1000);
  EXPECT_TRUE(RunningServer::Eventually([&] {
    return running.Metric(
               R"(grpc_server_handled_total{grpc_code="Canceled",grpc_method="Classify",grpc_service="synth.v1.Inference",grpc_type="unary"})") ==
           1;
  }));
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
}

TEST(CancelTest, ACancelledCallDoesNotDisturbItsNeighbours) {
  RunningServer running;
  AsyncClassify cancelled(running.stub(), LongRequest(200));
  AsyncClassify neighbour(running.stub(), LongRequest(200));
  cancelled.Cancel();
  EXPECT_TRUE(neighbour.Wait().ok());
  EXPECT_EQ(neighbour.response().results_size(), 200);
}

}  // namespace
}  // namespace synth::server
