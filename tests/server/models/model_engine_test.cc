#include "server/models/model_engine.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/base/out_of_memory.h"
#include "server/models/tbb_executor.h"
#include "tests/paths.h"
#include "tests/server/more_memory.h"

namespace synth::server {
namespace {

class CountingGroup final : public scheduling::JobGroup {
 public:
  void OnHidden(scheduling::Job& /*job*/, std::span<const float> /*hidden*/) override { ++hidden; }
  void OnAllDone() override {}
  int hidden = 0;
};

class ModelEngineTest : public testing::Test {
 protected:
  // A text that is computed as a batch of its own: as large as `tokens` says.
  scheduling::Job MakeJob(std::size_t tokens) {
    scheduling::Job job;
    job.group = &group_;
    job.token_ids.assign(tokens, 1);
    job.tokens = static_cast<int>(tokens);
    return job;
  }

  void Compute(std::vector<scheduling::Job>& jobs) {
    std::vector<scheduling::Job*> batch;
    for (scheduling::Job& job : jobs) batch.push_back(&job);
    engine_.Compute(batch, 0);
  }

  TbbExecutor executor_{1};
  const std::unique_ptr<const Model> model_ =
      *Model::Load(paths::SourcePath("tests/golden/tokenized"));
  CountingGroup group_;
  ModelEngine engine_{*model_, 1, executor_.helpers()};
};

TEST_F(ModelEngineTest, ABatchThatMemoryDoesNotSufficeForFailsAndTheNextIsComputed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory knows no such limit";
#endif
  std::vector<scheduling::Job> large;
  for (int i = 0; i < 200'000; ++i) large.push_back(MakeJob(5));
  const std::int64_t before = OutOfMemoryCount();
  {
    const MoreMemory memory(16U << 20);
    Compute(large);
  }
  EXPECT_EQ(OutOfMemoryCount(), before + 1);
  EXPECT_TRUE(absl::IsResourceExhausted(large.front().status)) << large.front().status;
  EXPECT_TRUE(absl::IsResourceExhausted(large.back().status));
  EXPECT_EQ(group_.hidden, 0);

  std::vector<scheduling::Job> small;
  small.push_back(MakeJob(5));
  Compute(small);
  EXPECT_TRUE(small.front().status.ok());
  EXPECT_EQ(group_.hidden, 1);
}

TEST_F(ModelEngineTest, ATextThatCannotBeTokenizedInTheMemoryFailsAlone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory knows no such limit";
#endif
  std::string text;
  while (text.size() < (std::size_t{32} << 20)) text += "words and ";
  scheduling::Job job = MakeJob(0);
  job.text = text;
  {
    const MoreMemory memory(16U << 20);
    EXPECT_TRUE(absl::IsResourceExhausted(engine_.Tokenize(job)));
  }
  job.text = "words";
  EXPECT_TRUE(engine_.Tokenize(job).ok());
}

}  // namespace
}  // namespace synth::server
