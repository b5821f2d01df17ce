#include "server/rpc/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "server/base/logging.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

TEST(GrpcLogTest, ErrorsThatAClientRepeatsAreOneLineAndNotLong) {
  testing::internal::CaptureStderr();
  SetUpLogging(LogFormat::kText, spdlog::level::info);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // as grpc_init leaves it
  TakeGrpcLog();
  for (int i = 0; i < 1000; ++i)
    gpr_log("parser.cc", 7, GPR_LOG_SEVERITY_ERROR, "bad header: %s",
            std::string(5000, 'x').c_str());
  gpr_log("parser.cc", 8, GPR_LOG_SEVERITY_ERROR, "another place");
  EXPECT_TRUE(FlushLog(std::chrono::minutes(1)));
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
  EXPECT_THAT(lines, HasSubstr("another place"));
  EXPECT_THAT(lines, HasSubstr("(5012 bytes)"));
  EXPECT_LT(lines.size(), 1500U);
}

}  // namespace
}  // namespace synth::server
