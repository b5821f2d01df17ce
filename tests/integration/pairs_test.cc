// Two texts as one input, through the server: Classify with text_pairs, and Rerank.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "synth/model.h"
#include "synth/v1/inference.pb.h"
#include "tests/integration/running_server.h"
#include "tests/model/test_checkpoint.h"
#include "tests/support/files.h"

namespace synth::server {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// A BERT that reads two texts and has one label, "relevance".
class CrossEncoder {
 public:
  CrossEncoder() {
    WriteTinyBert(folder_.path());
    json config = json::parse(ReadFile(folder_.path() / "config.json"));
    config["architectures"] = {"BertForSequenceClassification"};
    config["id2label"] = {{"0", "relevance"}};
    WriteCheckpoint(folder_.path(), config, RandomTensors(config, 3));
  }

  Options options() const {
    Options options = TestOptions();
    options.models = {{.name = "cross", .folder = folder_.path().string()}};
    return options;
  }

  // What the engine alone gives for a pair.
  float Logit(const std::string& first, const std::string& second) const {
    const auto model = *Model::Load(folder_.path());
    const Tokenizer& tokenizer = *model->tokenizer();
    const TokenPair pair = tokenizer.Join(*tokenizer.Encode(first), *tokenizer.Encode(second),
                                          model->max_text_tokens());
    const std::vector<std::int32_t> offsets = {0, static_cast<std::int32_t>(pair.ids.size())};
    const std::vector<std::int32_t> first_segments = {pair.first_segment};
    const WorkspacePtr workspace = model->MakeWorkspace();
    const auto hidden = model->Forward({pair.ids, offsets, first_segments}, *workspace);
    std::vector<float> pooled(static_cast<std::size_t>(model->config().hidden_size));
    model->Pool(hidden, model->config().pooling, pooled);
    std::vector<float> logit(1);
    model->Classify(pooled, logit);
    return logit.front();
  }

 private:
  const TempFolder folder_;
};

class PairsTest : public testing::Test {
 protected:
  grpc::Status Rerank(const v1::RerankRequest& request) {
    grpc::ClientContext context;
    return server_.stub().Rerank(&context, request, &ranked_);
  }
  grpc::Status Classify(const v1::ClassifyRequest& request) {
    grpc::ClientContext context;
    return server_.stub().Classify(&context, request, &classified_);
  }

  const CrossEncoder model_;
  RunningServer server_{model_.options()};
  v1::RerankResponse ranked_;
  v1::ClassifyResponse classified_;
};

v1::RerankRequest Query(const std::string& query, const std::vector<std::string>& texts) {
  v1::RerankRequest request;
  request.set_query(query);
  request.mutable_texts()->Add(texts.begin(), texts.end());
  return request;
}

float Logistic(float x) { return 1 / (1 + std::exp(-x)); }

TEST_F(PairsTest, ClassifyComputesEachPairAsTheEngineDoes) {
  v1::ClassifyRequest request;
  request.add_texts("play some jazzy");
  request.add_text_pairs("jazz");
  request.add_texts("jazz");
  request.add_text_pairs("play some jazzy");
  ASSERT_TRUE(Classify(request).ok());
  ASSERT_EQ(classified_.results_size(), 2);
  EXPECT_FLOAT_EQ(classified_.results(0).labels(0).score(),
                  model_.Logit("play some jazzy", "jazz"));
  EXPECT_FLOAT_EQ(classified_.results(1).labels(0).score(),
                  model_.Logit("jazz", "play some jazzy"));
  EXPECT_NE(classified_.results(0).labels(0).score(), classified_.results(1).labels(0).score());
  EXPECT_EQ(classified_.results(0).usage().tokens(), 8U);
  EXPECT_EQ(server_.Metric("synth_tokens_total{model=\"cross\"}"), 16.0);
}

TEST_F(PairsTest, APairThatIsNoneFailsAlone) {
  v1::ClassifyRequest request;
  request.set_truncation(v1::TRUNCATION_NONE);
  for (const char* text : {"jazz", "", "jazz", "jazz"}) request.add_texts(text);
  std::string too_long;
  for (int i = 0; i < 13; ++i) too_long += "play ";
  for (const std::string& text :
       {std::string("some"), std::string("some"), std::string(), too_long})
    request.add_text_pairs(text);
  ASSERT_TRUE(Classify(request).ok());
  EXPECT_FALSE(classified_.results(0).has_status());
  EXPECT_EQ(classified_.results(1).status().message(), "the text is empty");
  EXPECT_EQ(classified_.results(2).status().message(), "the second text is empty");
  EXPECT_THAT(classified_.results(3).status().message(), HasSubstr("has 17 tokens"));

  request.set_truncation(v1::TRUNCATION_END);
  ASSERT_TRUE(Classify(request).ok());
  EXPECT_EQ(classified_.results(3).usage().tokens(), 16U);
  EXPECT_EQ(classified_.results(3).usage().original_tokens(), 17U);
}

TEST_F(PairsTest, RequestsThatNobodyCanAnswerAreRefused) {
  v1::ClassifyRequest request;
  request.add_texts("jazz");
  request.add_texts("play");
  request.add_text_pairs("some");
  EXPECT_EQ(Classify(request).error_message(),
            "text_pairs: expected none, or as many as texts (2), found 1");
  request.add_text_pairs("some");
  request.set_truncation(v1::TRUNCATION_WINDOWS);
  EXPECT_THAT(Classify(request).error_message(), HasSubstr("truncation: expected"));

  EXPECT_EQ(Rerank(Query("", {"jazz"})).error_message(), "query: expected a text, found none");
  EXPECT_THAT(Rerank(Query("jazz", {})).error_message(), HasSubstr("texts: expected at least 1"));
  EXPECT_EQ(Rerank(Query(std::string(262'145, 'a'), {"jazz"})).error_message(),
            "query: expected at most 262144 bytes, found 262145");
  v1::RerankRequest windows = Query("jazz", {"play"});
  windows.set_truncation(v1::TRUNCATION_WINDOWS);
  EXPECT_THAT(Rerank(windows).error_message(), HasSubstr("found TRUNCATION_WINDOWS"));
}

TEST_F(PairsTest, RerankSortsByTheScoreOfQueryAndText) {
  const std::vector<std::string> texts = {"play", "some jazz", "jazzy jazz", "some", "play play"};
  ASSERT_TRUE(Rerank(Query("play jazz", texts)).ok());
  ASSERT_EQ(ranked_.results_size(), 5);
  std::vector<bool> seen(texts.size());
  for (int i = 0; i < ranked_.results_size(); ++i) {
    const v1::RerankResult& result = ranked_.results(i);
    seen.at(result.index()) = true;
    EXPECT_NEAR(result.score(), Logistic(model_.Logit("play jazz", texts.at(result.index()))),
                1e-6);
    EXPECT_LE(result.score(), ranked_.results(i > 0 ? i - 1 : 0).score());
  }
  EXPECT_THAT(seen, ElementsAre(true, true, true, true, true));
  EXPECT_EQ(ranked_.model().name(), "cross");
  EXPECT_GT(ranked_.timings().total(), 0);

  const v1::RerankResponse all = ranked_;
  v1::RerankRequest request = Query("play jazz", texts);
  request.set_top_k(2);
  request.set_score_type(v1::SCORE_TYPE_LOGIT);
  ASSERT_TRUE(Rerank(request).ok());
  ASSERT_EQ(ranked_.results_size(), 2);
  EXPECT_EQ(ranked_.results(1).index(), all.results(1).index());
  EXPECT_FLOAT_EQ(ranked_.results(0).score(),
                  model_.Logit("play jazz", texts.at(ranked_.results(0).index())));
  request.set_top_k(9);
  ASSERT_TRUE(Rerank(request).ok());
  EXPECT_EQ(ranked_.results_size(), 5);
}

TEST_F(PairsTest, EqualScoresStandByIndexAndFailedTextsLast) {
  ASSERT_TRUE(Rerank(Query("play", {"", "jazz", "", "jazz"})).ok());
  std::vector<std::uint32_t> order;
  for (const v1::RerankResult& result : ranked_.results()) order.push_back(result.index());
  EXPECT_THAT(order, ElementsAre(1, 3, 0, 2));
  EXPECT_EQ(ranked_.results(2).status().message(), "the text is empty");
  EXPECT_FALSE(ranked_.results(1).has_status());
}

// The shipped model has 150 labels.
TEST(RerankTest, NeedsAClassifierWithOneLabel) {
  RunningServer server;
  grpc::ClientContext context;
  v1::RerankResponse response;
  const grpc::Status status = server.stub().Rerank(&context, Query("jazz", {"play"}), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("one label, found 150 labels"));
}

}  // namespace
}  // namespace synth::server
