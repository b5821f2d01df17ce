#include "server/base/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace synth::server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string Logged(LogFormat format, spdlog::level::level_enum level,
                   const nlohmann::ordered_json& facts) {
  testing::internal::CaptureStderr();
  SetUpLogging(format, spdlog::level::info);
  Log(level, "something_happened", facts);
  EXPECT_TRUE(FlushLog(std::chrono::minutes(1)));
  return testing::internal::GetCapturedStderr();
}

TEST(LoggingTest, JsonLinesParse) {
  const nlohmann::json line = nlohmann::json::parse(Logged(
      LogFormat::kJson, spdlog::level::warn, {{"text", "a \"quoted\"\nline"}, {"number", 7}}));
  EXPECT_EQ(line.at("event"), "something_happened");
  EXPECT_EQ(line.at("level"), "warning");
  EXPECT_EQ(line.at("text"), "a \"quoted\"\nline");
  EXPECT_EQ(line.at("number"), 7);
  EXPECT_TRUE(line.contains("time"));
}

TEST(LoggingTest, TextLinesAreOneLine) {
  const std::string line =
      Logged(LogFormat::kText, spdlog::level::info, {{"text", "two\nlines"}, {"number", 7}});
  EXPECT_THAT(line, HasSubstr(R"(something_happened text="two\nlines" number=7)"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(LoggingTest, WhatIsNotUtf8DoesNotThrow) {
  EXPECT_THAT(Logged(LogFormat::kJson, spdlog::level::info, {{"text", "a\xff"}}),
              HasSubstr("something_happened"));
}

TEST(LoggingTest, LowerLevelsAreLeftOut) {
  EXPECT_THAT(Logged(LogFormat::kText, spdlog::level::debug, {{"number", 7}}), IsEmpty());
}

}  // namespace
}  // namespace synth::server
