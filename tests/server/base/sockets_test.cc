#include "server/base/sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace synth::server {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string HostOf(const std::string& address) {
  return ResolveAddress(address).value().front().Host();
}

TEST(SocketsTest, AnAddressIsAHostAndAPort) {
  for (const char* wrong : {"", "localhost", "127.0.0.1:", ":50051", "127.0.0.1:65536",
                            "127.0.0.1:-1", "::1:50051", "[::1]", "127.0.0.1:5x"}) {
    const absl::Status status = ResolveAddress(wrong).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(status.message(), HasSubstr(std::string("found '") + wrong + "'"));
  }
  EXPECT_EQ(ResolveAddress("127.0.0.1:123").value().front().port(), 123);
  EXPECT_EQ(ResolveAddress("[::1]:123").value().front().port(), 123);
  EXPECT_FALSE(ResolveAddress("localhost:123").value().empty());
}

TEST(SocketsTest, AHostIsAnIpv4AddressOrAnIpv6Network) {
  EXPECT_EQ(HostOf("127.0.0.2:1"), "127.0.0.2");
  EXPECT_EQ(HostOf("[::ffff:10.1.2.3]:1"), "10.1.2.3");
  EXPECT_EQ(HostOf("[2001:db8:1:2:3:4:5:6]:1"), "2001:db8:1:2::/64");
  EXPECT_EQ(HostOf("[2001:db8:1:2::9]:1"), "2001:db8:1:2::/64");
  EXPECT_NE(HostOf("[2001:db8:1:3::9]:1"), "2001:db8:1:2::/64");
}

TEST(SocketsTest, APortInUseIsNamedWithTheReasonInOneLine) {
  const absl::StatusOr<ListeningSockets> first = ListenOn("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = "127.0.0.1:" + std::to_string(first->address.port());
  const absl::Status second = ListenOn(address).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.message(), "cannot listen on " + address + ": Address already in use");

  const absl::Status foreign = ListenOn("192.0.2.1:0").status();
  EXPECT_THAT(foreign.message(), HasSubstr("cannot listen on 192.0.2.1:0: Cannot assign"));
  EXPECT_THAT(foreign.message(), Not(HasSubstr("\n")));
}

TEST(SocketsTest, AllAddressesOfANameShareAPort) {
  const absl::StatusOr<ListeningSockets> sockets = ListenOn("localhost:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  for (const FileDescriptor& socket : sockets->sockets) {
    SocketAddress address;
    ASSERT_EQ(getsockname(socket.get(), address.get(), &address.size), 0);
    EXPECT_EQ(address.port(), sockets->address.port());
  }
}

TEST(SocketsTest, OnlyAShortagePausesAccepting) {
  for (const int shortage : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF})
    EXPECT_EQ(ClassifyAcceptFailure(shortage), AcceptFailure::kPause) << shortage;
  for (const int passing : {ECONNABORTED, EPROTO, EINTR, EPERM})
    EXPECT_EQ(ClassifyAcceptFailure(passing), AcceptFailure::kTryNext) << passing;
  EXPECT_EQ(ClassifyAcceptFailure(EAGAIN), AcceptFailure::kNothingWaits);
}

}  // namespace
}  // namespace synth::server
