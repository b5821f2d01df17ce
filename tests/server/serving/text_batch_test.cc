#include "server/serving/text_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <string>
#include <vector>

#include "server/base/mutex.h"
#include "server/models/repository.h"
#include "server/models/tbb_executor.h"
#include "server/observe/metrics.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

class Event {
 public:
  void Set() {
    const MutexLock lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  void Wait() {
    const MutexLock lock(mutex_);
    while (!is_set_) mutex_.Wait(changed_);
  }

 private:
  Mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ SYNTH_GUARDED_BY(mutex_) = false;
};

class TextBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    const absl::Status status =
        repository_.Load({.name = "intent", .folder = paths::SourcePath("models/intent-clinc150")},
                         {}, {.lanes = 2}, executor_, metrics_);
    ASSERT_TRUE(status.ok()) << status;
  }

  std::shared_ptr<ServedModel> Model() { return *repository_.Find("intent"); }

  Metrics metrics_;
  TbbExecutor executor_{2};
  Repository repository_;
};

TEST_F(TextBatchTest, GivesEachTextItsVectorAndItsUsage) {
  Event done;
  TextBatch batch(Model(), {.pooling = Pooling::kMean}, 2, [&] { done.Set(); });
  batch.Add("book a table for two");
  batch.Add("play some jazz");
  ASSERT_FALSE(batch.Start());
  done.Wait();
  ASSERT_TRUE(batch.status().ok());
  ASSERT_EQ(batch.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const TextResult result = batch.result(i);
    EXPECT_TRUE(result.status.ok());
    EXPECT_EQ(result.vector.size(),
              static_cast<std::size_t>(batch.model().model().config().hidden_size));
    EXPECT_GT(result.tokens, 2);
    EXPECT_EQ(result.original_tokens, result.tokens);
    EXPECT_EQ(result.windows, 1);
  }
  EXPECT_GT(batch.timings().compute, Duration::zero());
}

// A pair is one text to the encoder: the model has one type of tokens, so that only its separators
// tell its texts apart.
TEST_F(TextBatchTest, APairIsComputedTogether) {
  Event done;
  TextBatch pairs(Model(), {.max_text_bytes = 20}, 4, [&] { done.Set(); });
  pairs.AddPair("play some jazz", "book a table");
  pairs.AddPair("book a table", "play some jazz");
  pairs.AddPair("play some jazz", "");
  pairs.AddPair("play some jazz", "book a table for two people");
  ASSERT_FALSE(pairs.Start());
  done.Wait();
  Event done_too;
  TextBatch texts(Model(), {.query = "play some jazz"}, 2, [&] { done_too.Set(); });
  texts.Add("book a table");
  texts.Add("play some jazz");
  ASSERT_FALSE(texts.Start());
  done_too.Wait();

  Event done_alone;
  TextBatch alone(Model(), {}, 2, [&] { done_alone.Set(); });
  alone.Add("play some jazz");
  alone.Add("book a table");
  ASSERT_FALSE(alone.Start());
  done_alone.Wait();

  EXPECT_EQ(pairs.result(0).tokens, alone.result(0).tokens + alone.result(1).tokens - 1);
  EXPECT_EQ(pairs.result(1).tokens, pairs.result(0).tokens);
  EXPECT_NE(pairs.result(0).vector.front(), pairs.result(1).vector.front());
  EXPECT_THAT(texts.result(0).vector, ElementsAreArray(pairs.result(0).vector));
  EXPECT_TRUE(texts.result(1).status.ok());
  EXPECT_THAT(std::string(pairs.result(2).status.message()), HasSubstr("second text is empty"));
  EXPECT_THAT(std::string(pairs.result(3).status.message()),
              HasSubstr("second text has 27 bytes, the limit is 20"));
}

TEST_F(TextBatchTest, APromptStandsBeforeEachText) {
  Event done;
  TextBatch plain(Model(), {}, 1, [&] { done.Set(); });
  plain.Add("please play some jazz");
  ASSERT_FALSE(plain.Start());
  done.Wait();
  Event done_too;
  TextBatch prompted(Model(), {.prompt = "please ", .max_text_bytes = 14}, 3,
                     [&] { done_too.Set(); });
  prompted.Add("");
  prompted.Add("play some jazz");
  prompted.Add("play some blues");
  ASSERT_FALSE(prompted.Start());
  done_too.Wait();
  EXPECT_THAT(std::string(prompted.result(0).status.message()), HasSubstr("empty"));
  EXPECT_THAT(prompted.result(1).vector, ElementsAreArray(plain.result(0).vector));
  EXPECT_THAT(std::string(prompted.result(2).status.message()), HasSubstr("has 15 bytes"));
}

TEST_F(TextBatchTest, ABadTextFailsAloneAndKeepsItsPlace) {
  Event done;
  TextBatch batch(Model(), {.max_text_bytes = 20}, 4, [&] { done.Set(); });
  batch.Add("");
  batch.AddFailed(absl::InvalidArgumentError("not UTF-8"));
  batch.Add("play some jazz");
  batch.Add("a text of more than twenty bytes");
  ASSERT_FALSE(batch.Start());
  done.Wait();
  EXPECT_THAT(std::string(batch.result(0).status.message()), HasSubstr("empty"));
  EXPECT_THAT(std::string(batch.result(1).status.message()), HasSubstr("not UTF-8"));
  EXPECT_TRUE(batch.result(2).status.ok());
  EXPECT_THAT(std::string(batch.result(3).status.message()), HasSubstr("the limit is 20"));
  EXPECT_TRUE(batch.result(3).vector.empty());
  EXPECT_THAT(metrics_.Scrape(), HasSubstr("synth_failed_texts_total{model=\"intent\"} 3"));
}

TEST_F(TextBatchTest, IsDoneAtOnceIfNoTextCanBeComputed) {
  int done = 0;
  TextBatch batch(Model(), {}, 1, [&] { ++done; });
  batch.Add("");
  EXPECT_FALSE(batch.Start());
  EXPECT_EQ(done, 1);
}

TEST_F(TextBatchTest, WindowsOfALongTextArePooledIntoOneVector) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "book a table for two ";
  Event done;
  TextBatch batch(
      Model(),
      {.pooling = Pooling::kMax, .long_texts = TextBatch::LongTexts::kWindows, .window_overlap = 4},
      1, [&] { done.Set(); });
  batch.Add(text);
  ASSERT_FALSE(batch.Start());
  done.Wait();
  EXPECT_TRUE(batch.result(0).status.ok());
  EXPECT_GT(batch.result(0).windows, 2);
  EXPECT_GT(batch.result(0).tokens, batch.result(0).original_tokens);
}

TEST_F(TextBatchTest, TokenizingStopsAtTheIdsAndBoundsThem) {
  Event done;
  TextBatch batch(Model(), {.work = TextBatch::Work::kTokenize, .max_token_ids = 8}, 2,
                  [&] { done.Set(); });
  batch.Add("play jazz");
  batch.Add("a text that has more tokens than the eight that are allowed here");
  ASSERT_FALSE(batch.Start());
  done.Wait();
  EXPECT_TRUE(batch.result(0).status.ok());
  EXPECT_FALSE(batch.result(0).token_ids.empty());
  EXPECT_TRUE(batch.result(0).vector.empty());
  EXPECT_TRUE(absl::IsOutOfRange(batch.result(1).status));
}

TEST_F(TextBatchTest, ACancelledBatchHasNoAnswer) {
  Event done;
  TextBatch batch(Model(), {}, 1, [&] { done.Set(); });
  batch.Add("play some jazz");
  batch.Cancel();
  ASSERT_FALSE(batch.Start());
  done.Wait();
  EXPECT_TRUE(absl::IsCancelled(batch.status()));
}

TEST_F(TextBatchTest, APassedDeadlineIsReported) {
  Event done;
  TextBatch batch(Model(), {.deadline = Clock::now() - std::chrono::seconds(1)}, 1,
                  [&] { done.Set(); });
  batch.Add("play some jazz");
  const auto refusal = batch.Start();
  if (refusal) return;  // refused at once is as good
  done.Wait();
  EXPECT_TRUE(absl::IsDeadlineExceeded(batch.status()));
}

// The last handle goes on a lane here: the repository destroys the model on its own thread.
TEST_F(TextBatchTest, ItsModelOutlivesIt) {
  Event done;
  std::unique_ptr<TextBatch> batch;
  batch = std::make_unique<TextBatch>(Model(), TextBatch::Options{}, 1, [&] {
    batch.reset();
    done.Set();
  });
  batch->Add("play some jazz");
  ASSERT_FALSE(batch->Start());
  done.Wait();
}

}  // namespace
}  // namespace synth::server
