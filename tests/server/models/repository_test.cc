#include "server/models/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/models/tbb_executor.h"
#include "server/observe/metrics.h"
#include "tests/paths.h"
#include "tests/server/more_memory.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

const std::string kFolder = paths::SourcePath("tests/golden/tokenized");

class RepositoryTest : public testing::Test {
 protected:
  absl::Status Load(int max_batch_tokens) {
    return repository_.Load({.name = "small", .folder = kFolder}, {},
                            {.lanes = 2, .max_batch_tokens = max_batch_tokens}, executor_,
                            metrics_);
  }

  Metrics metrics_;
  TbbExecutor executor_{2};
  Repository repository_;
};

TEST_F(RepositoryTest, LoadsAndFinds) {
  const absl::Status status = Load(512);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_TRUE(repository_.Find("small").ok());
  EXPECT_EQ(*repository_.Find(""), *repository_.Find("small"));
  EXPECT_TRUE(absl::IsNotFound(repository_.Find("large").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(Load(512)));
}

TEST_F(RepositoryTest, NotFoundNamesTheFirstModelsOnly) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::string(200, 'm') + std::to_string(i);
    ASSERT_TRUE(repository_
                    .Load({.name = name, .folder = kFolder}, {}, {.max_batch_tokens = 8}, executor_,
                          metrics_)
                    .ok());
  }
  const absl::Status status = repository_.Find("other").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr(" and 2 more"));
  EXPECT_LT(status.message().size(), 2000U) << "a trailer holds it";
}

TEST_F(RepositoryTest, WhatWarmUpHasNoMemoryForIsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory knows no such limit";
#endif
  const MoreMemory memory(256U << 20);
  const absl::Status status = Load(1 << 24);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("model 'small': " + kFolder + ": too large for the memory"));
  EXPECT_TRUE(repository_.models()->empty());
}

}  // namespace
}  // namespace synth::server
