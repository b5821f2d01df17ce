#include "client/load/generator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/client/fake_server.h"

namespace synth::load {
namespace {

using std::chrono::milliseconds;

client::ClientOptions ClientFor(const client::FakeServer& server) {
  client::ClientOptions options;
  options.target = server.Target();
  options.retry.max_attempts = 1;
  options.default_deadline = milliseconds(2000);
  return options;
}

LoadOptions ShortRun() {
  LoadOptions options;
  options.warmup = milliseconds(50);
  options.duration = milliseconds(300);
  return options;
}

TEST(Generator, AnOpenLoopSendsEveryRequestThatWasDue) {
  client::FakeServer server;
  std::mutex mutex;
  std::set<std::string> peers;
  server.encode = [&](auto& context, const auto& request, auto& response) {
    client::FakeServer::AnswerWithLengths(request, response);
    response.mutable_results(0)->mutable_usage()->set_truncated(true);
    response.mutable_timings()->set_queue(0.25);
    const std::lock_guard lock(mutex);
    peers.insert(context.peer());
    return grpc::Status::OK;
  };
  LoadOptions options = ShortRun();
  options.method = LoadOptions::Method::kEncode;
  options.rate = 100;
  options.texts_per_request = 3;
  options.channels = 2;
  const auto report = RunLoad(options, ClientFor(server), {"a", "bb", "", "cccc"});
  ASSERT_TRUE(report.ok()) << report.status();
  const Measurements& measured = report->measured;
  EXPECT_EQ(measured.requests, 30U);  // 300 ms of 100/s
  EXPECT_EQ(measured.latency.Count(), 30U);
  EXPECT_EQ(measured.texts, 90U);
  EXPECT_GT(measured.failed_texts, 0U);
  EXPECT_EQ(measured.truncated_texts, 30U);
  EXPECT_EQ(measured.server_queue, 30 * 0.25);
  EXPECT_EQ(report->model, "fake");
  EXPECT_EQ(peers.size(), 2U);
}

TEST(Generator, AStalledServerDoesNotStopTheOpenLoop) {
  client::FakeServer server;
  server.classify = [](auto& context, const auto&, auto&) {
    while (!context.IsCancelled()) std::this_thread::sleep_for(milliseconds(5));
    return grpc::Status::CANCELLED;
  };
  LoadOptions options = ShortRun();
  options.rate = 50;
  options.max_outstanding = 10;
  client::ClientOptions client = ClientFor(server);
  client.default_deadline = milliseconds(1000);
  const auto begin = std::chrono::steady_clock::now();
  const auto report = RunLoad(options, client, {"a"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->measured.requests, 15U);
  EXPECT_GT(report->measured.not_sent, 0U);
  EXPECT_EQ(
      report->measured.errors.at(absl::StatusCode::kDeadlineExceeded) + report->measured.not_sent,
      15U);
}

TEST(Generator, AClosedLoopHasAsManyCallersAsAsked) {
  client::FakeServer server;
  std::atomic<int> running = 0;
  std::atomic<bool> too_many = false;
  server.classify = [&](auto&, const auto& request, auto& response) {
    if (++running > 3) too_many = true;
    for (int i = 0; i < request.texts_size(); ++i) response.add_results();
    --running;
    return grpc::Status::OK;
  };
  LoadOptions options = ShortRun();
  options.concurrency = 3;
  const auto report = RunLoad(options, ClientFor(server), {"a", "b"});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(too_many);
  EXPECT_GT(report->measured.finished_requests, 3U);
  EXPECT_GT(report->client_cpu_seconds, 0.0);
}

TEST(Generator, ErrorsAreCounted) {
  client::FakeServer server;
  server.classify = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full");
  };
  LoadOptions options = ShortRun();
  options.rate = 100;
  options.spacing = Arrivals::Spacing::kPoisson;
  const auto report = RunLoad(options, ClientFor(server), {"a"});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->measured.latency.Count(), 0U);
  EXPECT_EQ(report->measured.errors.at(absl::StatusCode::kResourceExhausted),
            report->measured.requests);
}

TEST(Generator, WhatCannotRunIsRefused) {
  const client::FakeServer server;
  const auto code = [&](const LoadOptions& options, const std::vector<std::string>& texts) {
    return RunLoad(options, ClientFor(server), texts).status().code();
  };
  EXPECT_EQ(code(ShortRun(), {}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(ShortRun(), {"\xFF"}), absl::StatusCode::kInvalidArgument);
  LoadOptions options = ShortRun();
  options.channels = 0;
  EXPECT_EQ(code(options, {"a"}), absl::StatusCode::kInvalidArgument);
  options = ShortRun();
  options.rate = 0;
  EXPECT_EQ(code(options, {"a"}), absl::StatusCode::kInvalidArgument);
  options = ShortRun();
  options.model = "other";
  EXPECT_EQ(code(options, {"a"}), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace synth::load
