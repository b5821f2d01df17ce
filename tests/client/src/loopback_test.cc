#include "client/src/loopback.h"

#include <gtest/gtest.h>

namespace synth::client {
namespace {

TEST(Loopback, ThisMachineUnderAnyOfItsNames) {
  for (const char* target : {"127.0.0.1:50051",
                             "127.0.0.1",
                             "127.8.9.10:1",
                             "localhost:50051",
                             "LocalHost:50051",
                             "localhost.:50051",
                             "a.localhost:1",
                             "[::1]:50051",
                             "[::1]",
                             "::1",
                             "[::ffff:127.0.0.1]:1",
                             "0.0.0.0:50051",
                             "[::]:50051",
                             "dns:///localhost:50051",
                             "dns:localhost:50051",
                             "dns://8.8.8.8/localhost:50051",
                             "ipv4:127.0.0.1:50051",
                             "ipv4:127.0.0.1:1,127.0.0.2:2",
                             "ipv6:[::1]:50051",
                             "ipv6:%5B::1%5D:50051"}) {
    EXPECT_TRUE(IsLoopback(target)) << target;
  }
}

TEST(Loopback, OtherMachines) {
  for (const char* target : {"",
                             "embedder:50051",
                             "embedder",
                             "10.0.0.1:50051",
                             "128.0.0.1:1",
                             "1.127.0.0:1",
                             "127.0.0.1.example.com:1",
                             "localhost.example.com:1",
                             "notlocalhost:1",
                             "[::2]:1",
                             "[2001:db8::1]:50051",
                             "[::ffff:10.0.0.1]:1",
                             "dns:///embedder:50051",
                             "dns://127.0.0.1/embedder:50051",
                             "dns://127.0.0.1",
                             "ipv4:127.0.0.1:1,10.0.0.1:1",
                             "ipv4:127.0.0.1:1,",
                             "[",
                             "%",
                             "%5",
                             "xds:///localhost"}) {
    EXPECT_FALSE(IsLoopback(target)) << target;
  }
}

}  // namespace
}  // namespace synth::client
