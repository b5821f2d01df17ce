// A call whose deadline passes costs no more compute, and one that cannot meet its deadline is
// refused at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "tests/integration/running_server.h"

namespace synth::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

TEST(DeadlineTest, WhatIsLeftOfAnExpiredCallIsDropped) {
  RunningServer running;
  AsyncClassify call(running.stub(), LongRequest(), system_clock::now() + milliseconds(60));
  EXPECT_EQ(call.Wait().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);

  const auto dropped_texts = [&] {
    return running.Metric(R"(synth_dropped_total{model="intent",reason="deadline"})") +
           running.Metric(R"(synth_dropped_total{model="intent",reason="cancelled"})");
  };
  // The queue is empty before the call has come, too: what tells the end is that all are counted.
  EXPECT_TRUE(RunningServer::Eventually([&] {
    return running.Metric(R"(synth_queue_texts{model="intent"})") == 0 &&
           running.Metric(R"(synth_lanes_busy{model="intent"})") == 0 &&
           running.Metric(R"(synth_texts_total{model="intent"})") + dropped_texts() == 1000;
  }));
  const double dropped = dropped_texts();
  EXPECT_GT(dropped, 0)
      << "the deadline also reaches the server as a cancellation, whichever is first";
  EXPECT_EQ(running.Metric(R"(synth_texts_total{model="intent"})") + dropped, 1000);
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"), "balance");
}

TEST(DeadlineTest, ADeadlineBeyondWhatAClockCountsIsNone) {
  RunningServer running;
  for (const gpr_timespec deadline :
       {gpr_inf_future(GPR_CLOCK_REALTIME), gpr_timespec{1LL << 40, 0, GPR_CLOCK_REALTIME},
        gpr_timespec{INT64_MAX / 1'000'000'000, 0, GPR_CLOCK_REALTIME}}) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    v1::ClassifyRequest request;
    request.add_texts("what is my checking account balance");
    v1::ClassifyResponse response;
    const grpc::Status status = running.stub().Classify(&context, request, &response);
    EXPECT_TRUE(status.ok()) << deadline.tv_sec << ": " << status.error_message();
  }
}

TEST(DeadlineTest, ACallThatWouldMissItsDeadlineIsRefusedAtOnce) {
  Options options = TestOptions();
  options.max_queue_time = std::chrono::minutes(10);  // however slow the machine is
  RunningServer running(options);
  running.ClassifyOne("so that the server knows what a token costs");
  AsyncClassify backlog(running.stub(), LongRequest());
  ASSERT_TRUE(RunningServer::Eventually(
      [&] { return running.Metric(R"(synth_queue_texts{model="intent"})") > 500; }));

  // Long enough to be answered, far too short for the backlog and as much again.
  AsyncClassify hasty(running.stub(), LongRequest(), system_clock::now() + milliseconds(200));
  const grpc::StatusCode code = hasty.Wait().error_code();
  // On a machine so slow that the refusal itself is late, the client's own deadline fires.
  EXPECT_TRUE(code == grpc::StatusCode::RESOURCE_EXHAUSTED ||
              code == grpc::StatusCode::DEADLINE_EXCEEDED)
      << code;
  EXPECT_TRUE(RunningServer::Eventually([&] {
    return running.Metric(R"(synth_rejected_total{model="intent",reason="deadline"})") == 1;
  }));
  if (code == grpc::StatusCode::RESOURCE_EXHAUSTED) {
    EXPECT_GT(std::stoi(hasty.Trailer("grpc-retry-pushback-ms")), 0);
  }
  EXPECT_TRUE(backlog.Wait().ok()) << "the others are not disturbed";
}

}  // namespace
}  // namespace synth::server
