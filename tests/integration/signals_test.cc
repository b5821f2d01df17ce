// Signals other than the first SIGTERM: none of them ends the server without a drain, but a second
// one that asks for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/process.h"
#include "tests/integration/synthserve.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

TEST(SignalsTest, HangUpAndUserSignalsAreLoggedAndIgnored) {
  Synthserve synthserve;
  for (const auto& [signal, name] : {std::pair(SIGHUP, "SIGHUP"), std::pair(SIGUSR1, "SIGUSR1"),
                                     std::pair(SIGUSR2, "SIGUSR2")}) {
    synthserve.process().Signal(signal);
    EXPECT_THAT(synthserve.process().ReadLineWith("signal_ignored"), HasSubstr(name));
  }
  EXPECT_TRUE(synthserve.Classify("what is my balance").ok());
  synthserve.process().Signal(SIGTERM);
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(SignalsTest, ALogReaderThatGoesAwayEndsNothing) {
  // Without the HTTP server, whose library ignores SIGPIPE by itself.
  Synthserve synthserve({"--metrics-listen", ""});
  synthserve.process().CloseOutput();
  synthserve.process().Signal(SIGHUP);  // a line that nobody gets
  EXPECT_TRUE(synthserve.Classify("what is my balance").ok());
  synthserve.process().Signal(SIGTERM);
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(SignalsTest, HangUpDuringADrainEndsNothing) {
  Synthserve synthserve({"--drain-delay", "1s"});
  synthserve.process().Signal(SIGTERM);
  ASSERT_FALSE(synthserve.process().ReadLineWith("\"draining\"").empty());
  synthserve.process().Signal(SIGHUP);
  EXPECT_EQ(synthserve.process().Wait(), 0);
}

TEST(SignalsTest, ASecondOneEndsADrainAtOnce) {
  Synthserve synthserve({"--drain-delay", "10m"});
  synthserve.process().Signal(SIGINT);
  ASSERT_FALSE(synthserve.process().ReadLineWith("\"draining\"").empty());
  synthserve.process().Signal(SIGTERM);
  EXPECT_EQ(synthserve.process().Wait(), -SIGTERM);
}

}  // namespace
}  // namespace synth::server
