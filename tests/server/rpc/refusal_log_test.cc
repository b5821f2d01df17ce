#include "server/rpc/refusal_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "server/base/logging.h"

namespace synth::server {
namespace {

TEST(RefusalLogTest, OneLineForEachClassNotForEachCall) {
  testing::internal::CaptureStderr();
  SetUpLogging(LogFormat::kText, spdlog::level::info);
  RefusalLog log;
  for (int i = 0; i < 1000; ++i)
    log.Record("Encode", {grpc::StatusCode::RESOURCE_EXHAUSTED, "full"});
  log.Record("Encode", {grpc::StatusCode::INVALID_ARGUMENT, "wrong"});
  log.Record("Classify", {grpc::StatusCode::RESOURCE_EXHAUSTED, "full"});
  EXPECT_TRUE(FlushLog(std::chrono::minutes(1)));
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3) << lines;
}

}  // namespace
}  // namespace synth::server
