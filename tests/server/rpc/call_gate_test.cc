#include "server/rpc/call_gate.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace synth::server {
namespace {

TEST(CallGateTest, TakesCallsUntilItIsClosed) {
  CallGate gate;
  EXPECT_TRUE(gate.Enter());
  gate.Close();
  EXPECT_FALSE(gate.Enter());
  EXPECT_FALSE(gate.WaitUntilEmpty(Clock::now())) << "one is still in flight";
  gate.Leave();
  EXPECT_TRUE(gate.WaitUntilEmpty(Clock::now()));
}

TEST(CallGateTest, WaitsForTheLastCall) {
  CallGate gate;
  ASSERT_TRUE(gate.Enter());
  ASSERT_TRUE(gate.Enter());
  gate.Close();
  std::jthread callers([&] {
    gate.Leave();
    gate.Leave();
  });
  EXPECT_TRUE(gate.WaitUntilEmpty(Clock::now() + std::chrono::seconds(20)));
}

}  // namespace
}  // namespace synth::server
