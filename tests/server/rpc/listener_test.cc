#include "server/rpc/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

// A listener, and the connections that it has handed on.
class ListenerTest : public testing::Test {
 protected:
  void Start(const std::string& address, ConnectionTable::Limits limits = {}) {
    absl::StatusOr<std::unique_ptr<Listener>> listener =
        Listener::Listen(address, {.limits = limits}, metrics_.connections());
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    listener_->Start([this](int descriptor) {
      const std::lock_guard lock(mutex_);
      accepted_.emplace_back(descriptor);
      changed_.notify_all();
    });
  }

  // Waits until so many connections were handed on, in all.
  bool AwaitAccepted(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return accepted_.size() >= count; });
  }

  // As gRPC would, at any time.
  void CloseAccepted(std::size_t index) {
    const std::lock_guard lock(mutex_);
    accepted_.at(index) = FileDescriptor();
  }

  double Metric(const std::string& series) const {
    const std::string text = metrics_.Scrape();
    const std::size_t begin = text.find("\n" + series + " ");
    return begin == std::string::npos ? -1 : std::stod(text.substr(begin + series.size() + 2));
  }

  // Waits until an event that has no callback is in the metrics.
  bool AwaitMetric(const std::string& series, double least) const {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(20);
    while (Metric(series) < least) {
      if (Clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<FileDescriptor> accepted_;
  std::unique_ptr<Listener> listener_;
};

constexpr const char* kTotalRefused = "synth_connections_refused_total{reason=\"total\"}";
constexpr const char* kAddressRefused = "synth_connections_refused_total{reason=\"address\"}";

TEST_F(ListenerTest, TakesBothFamiliesAndNames) {
  Start("[::]:0");
  const RawClient v4(listener_->port());
  const RawClient v6(listener_->port(), "::1");
  EXPECT_TRUE(AwaitAccepted(2));

  for (const char* address : {"[::1]:0", "127.0.0.1:0", "localhost:0", "0.0.0.0:0"}) {
    listener_.reset();
    accepted_.clear();
    Start(address);
    const RawClient client(listener_->port(),
                           std::string(address) == "[::1]:0" ? "::1" : "127.0.0.1");
    EXPECT_TRUE(AwaitAccepted(1)) << address;
  }
}

TEST_F(ListenerTest, AHandedOnSocketIsReadyForUse) {
  Start("127.0.0.1:0");
  const RawClient client(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));
  const int descriptor = accepted_.front().get();
  EXPECT_NE(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ListenerTest, AConnectionAboveTheTotalIsClosedAndAnEndedOneMakesRoom) {
  Start("127.0.0.1:0", {.total = 2});
  const RawClient first(listener_->port());
  const RawClient second(listener_->port());
  ASSERT_TRUE(AwaitAccepted(2));
  EXPECT_TRUE(RawClient(listener_->port()).IsClosed());
  EXPECT_EQ(Metric(kTotalRefused), 1);
  EXPECT_EQ(listener_->CountOpen(), 2);

  CloseAccepted(0);
  EXPECT_EQ(listener_->CountOpen(), 1);
  const RawClient third(listener_->port());
  EXPECT_TRUE(AwaitAccepted(3));
  EXPECT_EQ(listener_->CountOpen(), 2);
}

TEST_F(ListenerTest, ADescriptorThatStandsForSomethingElseIsNoConnection) {
  Start("127.0.0.1:0", {.total = 1});
  const RawClient first(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));
  // Closes the connection and gives its number to another file, in one step.
  ASSERT_EQ(dup2(STDERR_FILENO, accepted_.front().get()), accepted_.front().get());
  EXPECT_EQ(listener_->CountOpen(), 0);
  const RawClient second(listener_->port());
  EXPECT_TRUE(AwaitAccepted(2));
}

TEST_F(ListenerTest, OneAddressLeavesRoomForOthers) {
  Start("0.0.0.0:0", {.total = 100, .per_address = 2});
  const RawClient first(listener_->port());
  const RawClient second(listener_->port());
  ASSERT_TRUE(AwaitAccepted(2));
  EXPECT_TRUE(RawClient(listener_->port()).IsClosed());
  EXPECT_EQ(Metric(kAddressRefused), 1);
  EXPECT_EQ(Metric(kTotalRefused), 0);
  const RawClient other(listener_->port(), "127.0.0.1", "127.0.0.2");
  EXPECT_TRUE(AwaitAccepted(3));
}

TEST_F(ListenerTest, AProbeOfItsOwnIsNeverRefused) {
  Start("0.0.0.0:0", {.total = 1, .per_address = 1});
  const RawClient only(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));
  const absl::StatusOr<FileDescriptor> probe = listener_->ConnectToSelf();
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_TRUE(AwaitAccepted(2));
  EXPECT_TRUE(RawClient(listener_->port()).IsClosed()) << "everybody else is";
}

TEST_F(ListenerTest, AShortageOfDescriptorsPausesAndPasses) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UndefinedBehaviorSanitizer looks at memory through a pipe, which it cannot open";
#endif
  Start("127.0.0.1:0");
  const RawClient before(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));

  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit small = limit;
  small.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 256);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  std::vector<FileDescriptor> hoard;
  // The client's own descriptor is the last that there is.
  for (int copy = dup(STDERR_FILENO); copy >= 0; copy = dup(STDERR_FILENO))
    hoard.emplace_back(copy);
  hoard.pop_back();
  const RawClient during(listener_->port());
  EXPECT_TRUE(AwaitMetric("synth_accept_pauses_total", 1));
  hoard.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(AwaitAccepted(2)) << "the connection has waited";
}

TEST_F(ListenerTest, AConnectionOfADelayedAddressIsHandedOnLater) {
  Start("127.0.0.1:0");
  const TimePoint start = Clock::now();
  listener_->connections().Delay("127.0.0.1");
  const RawClient client(listener_->port());
  const RawClient another(listener_->port());
  ASSERT_TRUE(AwaitMetric("synth_connections_delayed_total", 2));
  EXPECT_EQ(listener_->CountOpen(), 2) << "the limits hold for it";
  ASSERT_TRUE(AwaitAccepted(2));
  EXPECT_GE(Clock::now() - start, ConnectionTable::kDelay);
  const RawClient later(listener_->port());
  EXPECT_TRUE(AwaitAccepted(3));
  EXPECT_EQ(Metric("synth_connections_delayed_total"), 2);
}

TEST_F(ListenerTest, AnotherAddressAndAProbeAreNotDelayed) {
  Start("127.0.0.1:0");
  listener_->connections().Delay("127.0.0.2");
  const RawClient client(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));
  listener_->connections().Delay("127.0.0.1");
  const auto probe = listener_->ConnectToSelf();
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_TRUE(AwaitAccepted(2));
  EXPECT_EQ(Metric("synth_connections_delayed_total"), 0);
}

TEST_F(ListenerTest, StopEndsAcceptingAndLeavesConnections) {
  Start("127.0.0.1:0");
  const RawClient client(listener_->port());
  ASSERT_TRUE(AwaitAccepted(1));
  const int port = listener_->port();
  listener_->Stop();
  EXPECT_THROW(RawClient{port}, std::runtime_error);
  EXPECT_EQ(listener_->CountOpen(), 1);
  EXPECT_TRUE(client.Send("still there"));
}

}  // namespace
}  // namespace synth::server
