// The HTTP port under clients that are idle, slow, endless or many: /healthz answers all the same,
// and tells the truth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "server/observe/http_request.h"
#include "server/observe/http_server.h"
#include "server/rpc/health_probe.h"
#include "tests/integration/running_server.h"
#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr int kMany = 100;

// Of some round trips, all of which must succeed. The median, because the slowest tells how busy
// the machine is.
milliseconds MedianHealthTime(int port) {
  std::vector<Duration> times;
  for (int i = 0; i < 21; ++i) {
    const TimePoint start = Clock::now();
    EXPECT_THAT(HttpGet(port, "/healthz"), StartsWith("HTTP/1.1 200 OK"));
    times.push_back(Clock::now() - start);
  }
  std::ranges::nth_element(times, times.begin() + 10);
  return std::chrono::duration_cast<milliseconds>(times[10]);
}

class HttpTest : public testing::Test {
 protected:
  void Start(HttpServer::Limits limits = {}) {
    absl::StatusOr<std::unique_ptr<HttpServer>> server =
        HttpServer::Start("127.0.0.1:0",
                          {.metrics = [this] { return metrics_text_; },
                           .is_serving = [this] { return is_serving_.load(); }},
                          limits);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string Ask(const std::string& request) const {
    const RawClient client(server_->port());
    client.Send(request);
    return client.ReceiveAll();
  }

  milliseconds HealthTime() const { return MedianHealthTime(server_->port()); }

  std::string metrics_text_ = "metric 1\n";
  std::atomic<bool> is_serving_ = true;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTest, AnswersWhatItHasAndRefusesTheRest) {
  Start();
  EXPECT_THAT(HttpGet(server_->port(), "/metrics"), HasSubstr("\r\n\r\nmetric 1\n"));
  EXPECT_THAT(HttpGet(server_->port(), "/healthz"), HasSubstr("\r\n\r\nSERVING\n"));
  EXPECT_THAT(HttpGet(server_->port(), "/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Ask("HEAD /healthz HTTP/1.1\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_THAT(Ask("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  is_serving_ = false;
  EXPECT_THAT(HttpGet(server_->port(), "/healthz"), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpTest, ABodyIsNeverRead) {
  Start();
  const RawClient client(server_->port());
  client.Send("POST /healthz HTTP/1.1\r\nContent-Length: 100000000000\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  // It may go on sending, but soon nobody listens.
  const std::string megabyte(1 << 20, 'x');
  int sent = 0;
  while (sent < 100 && client.Send(megabyte)) ++sent;
  EXPECT_LT(sent, 100);
}

TEST_F(HttpTest, AnEndlessRequestEnds) {
  Start();
  for (const char* start : {"GET /", "GET / HTTP/1.1\r\nX: ", ""}) {
    const RawClient client(server_->port());
    client.Send(start);
    client.Send(std::string(kMaxHttpRequestBytes, 'a'));
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 431 ")) << start;
  }
}

TEST_F(HttpTest, OneDeadlineCoversTheWholeRequest) {
  Start({.deadline = milliseconds(300)});
  const RawClient client(server_->port());
  const TimePoint start = Clock::now();
  // A byte now and then does not move it.
  std::jthread slow([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && client.Send("G")) std::this_thread::yield();
  });
  const RawClient idle(server_->port());
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_GE(Clock::now() - start, milliseconds(290));
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));
}

TEST_F(HttpTest, AClientThatTakesNoBytesIsDropped) {
  metrics_text_ = std::string(64 << 20, 'm');  // more than the kernel keeps for it
  Start({.deadline = milliseconds(300)});
  const RawClient client(server_->port());
  client.Send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(RawClient(server_->port()).IsClosed()) << "a later one, at its own deadline";
  EXPECT_LT(client.ReceiveAll().size(), metrics_text_.size());
}

TEST_F(HttpTest, HealthIsAnsweredWhateverOthersDo) {
  Start();
  std::list<RawClient> idle;
  for (int i = 0; i < kMany; ++i) idle.emplace_back(server_->port());
  EXPECT_LE(HealthTime(), milliseconds(50)) << "idle";

  for (const RawClient& client : idle) client.Send("GET /he");
  EXPECT_LE(HealthTime(), milliseconds(50)) << "slow";

  for (int i = 0; i < 3 * kMany; ++i) idle.emplace_back(server_->port());
  EXPECT_LE(HealthTime(), milliseconds(50)) << "more than there are places";
}

TEST_F(HttpTest, HealthIsAnsweredDuringAFlood) {
  metrics_text_ = std::string(100'000, 'm');
  Start();
  std::vector<std::jthread> flooders;
  for (const char* request : {"GET /metrics HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n"}) {
    flooders.emplace_back([this, request](const std::stop_token& stop) {
      const std::string more(1 << 16, 'x');
      while (!stop.stop_requested()) {
        std::list<RawClient> clients;
        for (int i = 0; i < kMany / 2; ++i) clients.emplace_back(server_->port()).Send(request);
        for (const RawClient& client : clients) client.Send(more);
      }
    });
  }
  // The flood takes every core that there is, so the time says only that nobody starves.
  EXPECT_LE(HealthTime(), std::chrono::seconds(5));
}

TEST_F(HttpTest, TheOldestIdleConnectionMakesRoom) {
  Start({.connections = 2, .deadline = std::chrono::minutes(10)});
  const RawClient oldest(server_->port());
  const RawClient second(server_->port());
  const RawClient third(server_->port());
  EXPECT_TRUE(oldest.IsClosed());
  third.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(third.ReceiveAll(), HasSubstr("SERVING"));
}

TEST_F(HttpTest, AnAddressMakesRoomAmongItsOwnConnections) {
  Start({.connections = 4, .per_address = 2, .deadline = std::chrono::minutes(10)});
  const RawClient other(server_->port(), "127.0.0.1", "127.0.0.2");
  const RawClient oldest(server_->port());
  const RawClient second(server_->port());
  const RawClient third(server_->port());
  EXPECT_TRUE(oldest.IsClosed());
  other.Send("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(other.ReceiveAll(), HasSubstr("SERVING"));
}

TEST(HealthTest, IsAnsweredBesideAHundredIdleConnections) {
  RunningServer server;
  const int port = server.server().metrics_port();
  std::list<RawClient> idle;
  for (int i = 0; i < kMany; ++i) idle.emplace_back(port);
  EXPECT_LE(MedianHealthTime(port), milliseconds(50));
}

TEST(HealthTest, IsARoundTripThroughTheListener) {
  RunningServer server;
  const int port = server.server().metrics_port();
  EXPECT_THAT(HttpGet(port, "/healthz"), StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(HttpGet(port, "/metrics"), HasSubstr("\nsynth_build_info{"));
}

TEST(HealthTest, AListenerThatNobodyServesIsNotHealthy) {
  // The kernel takes connections, as it does for a server whose thread is stuck.
  const absl::StatusOr<ListeningSockets> stuck = ListenOn("127.0.0.1:0");
  ASSERT_TRUE(stuck.ok()) << stuck.status();
  const HealthProbe probe(
      [&]() -> absl::StatusOr<FileDescriptor> {
        FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        static_cast<void>(connect(socket.get(), stuck->address.get(), stuck->address.size));
        return socket;
      },
      {.timeout = milliseconds(100)});
  EXPECT_FALSE(probe.is_healthy());
}

TEST(HealthTest, AGoodAnswerGoesOutOfDate) {
  RunningServer server;
  std::atomic<bool> is_reachable = true;
  const HealthProbe probe(
      [&]() -> absl::StatusOr<FileDescriptor> {
        if (!is_reachable) return absl::UnavailableError("not reachable");
        const SocketAddress target =
            ResolveAddress("127.0.0.1:" + std::to_string(server.server().grpc_port()))
                .value()
                .front();
        FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        static_cast<void>(connect(socket.get(), target.get(), target.size));
        return socket;
      },
      {.interval = milliseconds(10), .patience = milliseconds(500)});
  EXPECT_TRUE(probe.is_healthy());
  is_reachable = false;
  EXPECT_TRUE(RunningServer::Eventually([&] { return !probe.is_healthy(); }));
  is_reachable = true;
  EXPECT_TRUE(RunningServer::Eventually([&] { return probe.is_healthy(); }));
}

}  // namespace
}  // namespace synth::server
