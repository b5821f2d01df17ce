// Whoever should read the log does not: the server serves and stops as if it were read.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/process.h"
#include "tests/integration/synthserve.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

// Makes gRPC log some hundred lines for each call.
const std::vector<std::string> kVerbose = {"GRPC_VERBOSITY=debug", "GRPC_TRACE=http,api"};

TEST(LogPipeTest, APipeThatNobodyReadsHoldsUpNothing) {
  Synthserve synthserve({"--log-level", "debug"}, kVerbose);
  // From here on nobody reads. The pipe fills, then the queue behind it.
  while (synthserve.Metric("synth_log_dropped_total") == 0) {
    const grpc::Status status = synthserve.Classify("what is my balance");
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_TRUE(synthserve.Classify("what is my balance").ok());
  synthserve.process().Signal(SIGTERM);
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(LogPipeTest, AReaderThatComesBackIsToldOfTheGap) {
  Synthserve synthserve({"--log-level", "debug"}, kVerbose);
  while (synthserve.Metric("synth_log_dropped_total") == 0) {
    ASSERT_TRUE(synthserve.Classify("what is my balance").ok());
  }
  EXPECT_FALSE(synthserve.process().ReadLineWith("\"log_dropped\"").empty());
  synthserve.process().Signal(SIGTERM);
  EXPECT_FALSE(synthserve.process().ReadLineWith("\"stopped\"").empty());
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(LogPipeTest, AStartThatFailsEndsToo) {
  // Fills the pipe before the program starts.
  Process process(
      {"/bin/sh", "-c",
       "head -c 65536 /dev/zero >&2; exec " + paths::SynthserveBinary() + " --model /nonexistent"});
  EXPECT_EQ(process.Wait(), 1);
}

}  // namespace
}  // namespace synth::server
