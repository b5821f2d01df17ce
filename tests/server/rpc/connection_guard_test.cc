#include "server/rpc/connection_guard.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>

#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

// A real connection, and a gRPC that counts what the test says.
class ConnectionGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<ListeningSockets> listening = ListenOn("127.0.0.1:0");
    ASSERT_TRUE(listening.ok()) << listening.status();
    client_ = std::make_unique<RawClient>(listening->address.port());
    pollfd waiting = {.fd = listening->sockets.front().get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&waiting, 1, 20'000), 1);
    peer_.size = sizeof(peer_.storage);
    server_ =
        FileDescriptor(accept4(waiting.fd, peer_.get(), &peer_.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_GE(server_.get(), 0);
    ASSERT_EQ(table_.Admit(server_.get(), peer_.Host()), ConnectionTable::Verdict::kAdmitted);
  }

  // Sends, and waits until the kernel has all of it.
  void Send(std::size_t bytes) {
    ASSERT_TRUE(client_->Send(std::string(bytes, 'x')));
    std::string received(bytes, '\0');
    while (bytes > 0) {
      pollfd readable = {.fd = server_.get(), .events = POLLIN, .revents = 0};
      ASSERT_EQ(poll(&readable, 1, 20'000), 1);
      const ssize_t size = read(server_.get(), received.data(), bytes);
      ASSERT_GT(size, 0);
      bytes -= static_cast<std::size_t>(size);
    }
  }

  // Whether the guard has closed the connection.
  bool IsClosed() const {
    pollfd state = {.fd = server_.get(), .events = POLLIN, .revents = 0};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0;
  }

  Metrics metrics_;
  ConnectionTable table_{{}};
  SocketAddress peer_;
  FileDescriptor server_;
  std::unique_ptr<RawClient> client_;
  std::optional<GrpcSocketCounts> counts_ = GrpcSocketCounts{};
  int reads_ = 0;
  ConnectionGuard guard_{
      {.max_streams_held = 100, .max_idle_bytes = 100'000},
      table_,
      metrics_.connections(),
      {.list =
           [this] {
             return std::unordered_map<std::string, std::int64_t>{{GrpcPeerName(peer_), 7}};
           },
       .read =
           [this](std::int64_t number) {
             EXPECT_EQ(number, 7);
             ++reads_;
             return counts_;
           }}};
};

TEST_F(ConnectionGuardTest, OneThatHoldsTooManyStreamsIsClosed) {
  Send(20'000);
  counts_ = {.streams_begun = 5000, .streams_held = 100};
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
  EXPECT_LE(table_.DelayedUntil(peer_.Host()), Clock::now());
  Send(20'000);
  counts_ = {.streams_begun = 9000, .streams_held = 101};
  guard_.Sweep();
  EXPECT_TRUE(IsClosed());
  EXPECT_GT(table_.DelayedUntil(peer_.Host()), Clock::now());
  EXPECT_NE(metrics_.Scrape().find("synth_connections_closed_total{reason=\"streams\"} 1"),
            std::string::npos);
}

TEST_F(ConnectionGuardTest, BytesWithoutProgressAreBounded) {
  Send(90'000);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
  counts_ = {.streams_begun = 1, .streams_held = 1};
  Send(90'000);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed()) << "a stream is progress";
  counts_->messages_received = 1;
  Send(90'000);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed()) << "a message is progress";
  Send(90'000);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
  Send(20'000);
  guard_.Sweep();
  EXPECT_TRUE(IsClosed());
  EXPECT_NE(metrics_.Scrape().find("synth_connections_closed_total{reason=\"bytes\"} 1"),
            std::string::npos);
}

// The client sends the rest of a message that is too large until it hears that its call has ended.
TEST_F(ConnectionGuardTest, TheEndOfAStreamIsProgress) {
  counts_ = {.streams_begun = 1, .streams_held = 1};
  Send(20'000);
  guard_.Sweep();
  counts_->streams_held = 0;
  Send(90'000);
  guard_.Sweep();
  Send(90'000);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
}

TEST_F(ConnectionGuardTest, WhatGrpcHasNotReadIsNotHeldAgainstTheClient) {
  Send(90'000);
  guard_.Sweep();
  ASSERT_TRUE(client_->Send(std::string(90'000, 'x')));
  int unread = 0;
  while (unread < 90'000) ASSERT_EQ(ioctl(server_.get(), FIONREAD, &unread), 0);
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
}

TEST_F(ConnectionGuardTest, OneThatSendsLittleCostsNoQuestion) {
  Send(ConnectionGuard::kLook - 1);
  guard_.Sweep();
  EXPECT_EQ(reads_, 0);
  Send(1);
  guard_.Sweep();
  EXPECT_EQ(reads_, 1);
  guard_.Sweep();
  EXPECT_EQ(reads_, 1);
}

TEST_F(ConnectionGuardTest, AnotherFileOnTheSameDescriptorIsLeftAlone) {
  Send(90'000);
  guard_.Sweep();
  absl::StatusOr<ListeningSockets> listening = ListenOn("127.0.0.1:0");
  ASSERT_TRUE(listening.ok());
  const RawClient other(listening->address.port());
  ASSERT_EQ(dup2(accept(listening->sockets.front().get(), nullptr, nullptr), server_.get()),
            server_.get());
  counts_->streams_held = 1000;
  guard_.Sweep();
  EXPECT_FALSE(IsClosed());
}

TEST(GrpcPeerNameTest, IsWhatGrpcWrites) {
  const auto name = [](const std::string& address) {
    return GrpcPeerName(ResolveAddress(address)->front());
  };
  EXPECT_EQ(name("127.0.0.1:80"), "ipv4:127.0.0.1:80");
  EXPECT_EQ(name("[::1]:80"), "ipv6:%5B::1%5D:80");
  EXPECT_EQ(name("[::ffff:127.0.0.1]:80"), "ipv4:127.0.0.1:80");
}

}  // namespace
}  // namespace synth::server
