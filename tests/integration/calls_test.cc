// What the calls give when all is well.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/running_server.h"
#include "tests/paths.h"
#include "tests/support/files.h"

namespace synth::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;
using testing::SizeIs;

class CallsTest : public testing::Test {
 protected:
  v1::ClassifyResponse Classify(const v1::ClassifyRequest& request) {
    v1::ClassifyResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_.stub().Classify(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::EncodeResponse Encode(const v1::EncodeRequest& request) {
    v1::EncodeResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_.stub().Encode(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  v1::GetModelResponse GetModel() {
    v1::GetModelResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_.stub().GetModel(&context, {}, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  void EncodeFails(const v1::EncodeRequest& request, const std::string& message) {
    v1::EncodeResponse response;
    grpc::ClientContext context;
    const grpc::Status status = running_.stub().Encode(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(message));
  }

  RunningServer running_;
};

TEST_F(CallsTest, ClassifyGivesTheIntentOfEachTextInOrder) {
  v1::ClassifyRequest request;
  request.add_texts("what is my checking account balance");
  request.add_texts("how do you say thank you in italian");
  const v1::ClassifyResponse response = Classify(request);
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).labels(0).name(), "balance");
  EXPECT_EQ(response.results(1).labels(0).name(), "translate");
  for (const v1::ClassifyResult& result : response.results()) {
    EXPECT_FALSE(result.has_status());
    EXPECT_EQ(result.labels_size(), 1) << "one label unless asked for more";
    EXPECT_THAT(result.labels(0).score(), AllOf(Gt(0.2F), Le(1.0F)));
    EXPECT_TRUE(result.has_out_of_scope());
    EXPECT_FALSE(result.out_of_scope().out_of_scope());
    EXPECT_GT(result.usage().tokens(), 3U);
    EXPECT_FALSE(result.usage().truncated());
  }
  EXPECT_EQ(response.model().name(), "intent");
  EXPECT_EQ(response.model().digest(), GetModel().model().digest());
  EXPECT_GT(response.timings().tokenize(), 0);
  EXPECT_GT(response.timings().compute(), 0);
  EXPECT_GE(response.timings().queue(), 0);
  EXPECT_GE(response.timings().total(), response.timings().compute());
}

TEST_F(CallsTest, TopKIsSortedAndProbabilitiesAddUpToOne) {
  v1::ClassifyRequest request;
  request.add_texts("set an alarm for seven");
  request.set_top_k(0);
  v1::ClassifyResponse response = Classify(request);
  ASSERT_EQ(response.results(0).labels_size(), 150) << "0 is all";
  double sum = 0;
  float previous = 1;
  for (const v1::Label& label : response.results(0).labels()) {
    EXPECT_LE(label.score(), previous);
    previous = label.score();
    sum += static_cast<double>(label.score());
  }
  EXPECT_NEAR(sum, 1, 1e-5);

  request.set_top_k(3);
  EXPECT_THAT(Classify(request).results(0).labels(), SizeIs(3));
  request.set_top_k(4'000'000'000);
  EXPECT_THAT(Classify(request).results(0).labels(), SizeIs(150)) << "no more than there are";
}

TEST_F(CallsTest, LogitsGiveTheSameOrder) {
  v1::ClassifyRequest request;
  request.add_texts("set an alarm for seven");
  request.set_top_k(5);
  const v1::ClassifyResponse probabilities = Classify(request);
  request.set_score_type(v1::SCORE_TYPE_LOGIT);
  const v1::ClassifyResponse logits = Classify(request);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(logits.results(0).labels(i).index(), probabilities.results(0).labels(i).index());
  }
  const auto& logit = logits.results(0).labels();
  const auto& probability = probabilities.results(0).labels();
  EXPECT_NEAR(logit[0].score() - logit[1].score(),
              std::log(probability[0].score() / probability[1].score()), 1e-3F);
}

double SquaredLength(const v1::EncodeResult& result) {
  double squares = 0;
  for (const float value : result.embedding())
    squares += static_cast<double>(value) * static_cast<double>(value);
  return squares;
}

TEST_F(CallsTest, NormalizingGivesVectorsOfLengthOneInTheSameDirection) {
  v1::EncodeRequest request;
  request.add_texts("play some jazz");
  request.add_texts("when is my rent due");
  request.set_normalize(false);
  const v1::EncodeResponse plain = Encode(request);
  request.set_normalize(true);
  const v1::EncodeResponse normalized = Encode(request);
  ASSERT_EQ(plain.results_size(), 2);
  ASSERT_EQ(normalized.results_size(), 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(SquaredLength(normalized.results(i)), 1, 1e-5);
    const double length = std::sqrt(SquaredLength(plain.results(i)));
    EXPECT_GT(std::abs(length - 1), 0.1) << "a vector that shows no difference";
    for (int d = 0; d < plain.results(i).embedding_size(); ++d) {
      EXPECT_NEAR(static_cast<double>(normalized.results(i).embedding(d)) * length,
                  static_cast<double>(plain.results(i).embedding(d)), 1e-4);
    }
  }
}

TEST_F(CallsTest, NormalizingIsTheModelsChoiceIfARequestMakesNone) {
  v1::EncodeRequest request;
  request.add_texts("play some jazz");
  const v1::EncodeResponse absent = Encode(request);
  request.set_normalize(false);
  const v1::EncodeResponse plain = Encode(request);
  ASSERT_EQ(absent.results_size(), 1);
  EXPECT_EQ(absent.results(0).SerializeAsString(), plain.results(0).SerializeAsString())
      << "no checkpoint states a choice, so its own is false";
}

TEST_F(CallsTest, PoolingsDifferAndUnspecifiedIsTheModels) {
  v1::EncodeRequest request;
  request.add_texts("play some jazz");
  auto embed = [&](v1::Pooling pooling) {
    request.set_pooling(pooling);
    const v1::EncodeResponse response = Encode(request);
    return std::vector<float>(response.results(0).embedding().begin(),
                              response.results(0).embedding().end());
  };
  const std::vector<float> mean = embed(v1::POOLING_MEAN);
  const std::vector<float> cls = embed(v1::POOLING_CLS);
  const std::vector<float> max = embed(v1::POOLING_MAX);
  EXPECT_NE(mean, cls);
  EXPECT_NE(mean, max);
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_LE(mean[i], max[i] + 1e-5F);
  const std::vector<float> own = embed(v1::POOLING_UNSPECIFIED);
  EXPECT_TRUE(own == mean || own == cls || own == max);
}

TEST_F(CallsTest, AResultDoesNotDependOnTheBatch) {
  v1::EncodeRequest alone;
  alone.add_texts("transfer fifty dollars to savings");
  v1::EncodeRequest crowd;
  for (int i = 0; i < 40; ++i)
    crowd.add_texts(std::string(static_cast<std::size_t>(i), 'a') + " and so on");
  crowd.add_texts(alone.texts(0));
  const v1::EncodeResponse one = Encode(alone);
  const v1::EncodeResponse many = Encode(crowd);
  EXPECT_THAT(many.results(40).embedding(), testing::ElementsAreArray(one.results(0).embedding()))
      << "to the bit";
}

TEST_F(CallsTest, TruncatesAndSaysSo) {
  v1::ClassifyRequest request = LongRequest(1);
  request.add_texts("short");
  v1::ClassifyResponse response = Classify(request);
  const v1::TextUsage& usage = response.results(0).usage();
  EXPECT_TRUE(usage.truncated());
  EXPECT_EQ(usage.tokens(), GetModel().limits().max_text_tokens());
  EXPECT_GT(usage.original_tokens(), usage.tokens());
  EXPECT_FALSE(response.results(1).usage().truncated());
  EXPECT_EQ(running_.Metric(R"(synth_truncated_total{model="intent"})"), 1);

  request.set_truncation(v1::TRUNCATION_NONE);
  response = Classify(request);
  EXPECT_EQ(response.results(0).status().code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_THAT(response.results(0).status().message(),
              AllOf(HasSubstr("the model takes"), HasSubstr("truncation is off")));
  EXPECT_FALSE(response.results(1).has_status()) << "its neighbour is served";
}

TEST_F(CallsTest, WindowsLeaveNothingOut) {
  v1::ClassifyRequest request = LongRequest(1);
  request.add_texts("what is my checking account balance");
  request.set_truncation(v1::TRUNCATION_WINDOWS);
  const v1::ClassifyResponse response = Classify(request);
  const v1::TextUsage& usage = response.results(0).usage();
  const std::uint32_t longest = GetModel().limits().max_text_tokens();
  EXPECT_FALSE(usage.truncated());
  EXPECT_GT(usage.windows(), 1U);
  EXPECT_EQ(usage.tokens(), usage.windows() * longest) << "every window is full";
  EXPECT_GT(usage.original_tokens(), longest);
  EXPECT_EQ(response.results(1).usage().windows(), 1U);
  EXPECT_EQ(response.results(1).labels(0).name(), "balance");
  EXPECT_EQ(running_.Metric(R"(synth_texts_total{model="intent"})"), 2) << "texts, not windows";
  EXPECT_EQ(running_.Metric(R"(synth_truncated_total{model="intent"})"), 0);
}

// A text made of two halves that tokenize apart: with no overlap its windows are the halves.
TEST_F(CallsTest, WindowsArePooledAsOneText) {
  const auto body = static_cast<int>(GetModel().limits().max_text_tokens()) - 2;
  std::string first;
  std::string second;
  for (int i = 0; i < body; ++i) first += " a";
  for (int i = 0; i < body; ++i) second += " to";
  for (const v1::Pooling pooling : {v1::POOLING_MEAN, v1::POOLING_CLS, v1::POOLING_MAX}) {
    v1::EncodeRequest request;
    request.set_pooling(pooling);
    request.set_truncation(v1::TRUNCATION_WINDOWS);
    request.set_window_overlap(0);
    for (const std::string& text : {first, second, first + second}) request.add_texts(text);
    const v1::EncodeResponse response = Encode(request);
    ASSERT_EQ(response.results(0).usage().windows(), 1U);
    ASSERT_EQ(response.results(2).usage().windows(), 2U);
    for (int d = 0; d < response.results(2).embedding_size(); ++d) {
      const float a = response.results(0).embedding(d);
      const float b = response.results(1).embedding(d);
      ASSERT_EQ(response.results(2).embedding(d),
                pooling == v1::POOLING_MAX ? std::max(a, b) : (a + b) / 2);
    }
  }
}

TEST_F(CallsTest, WindowsDoNotDependOnTheBatch) {
  v1::EncodeRequest alone;
  alone.set_truncation(v1::TRUNCATION_WINDOWS);
  alone.add_texts(LongRequest(1).texts(0));
  v1::EncodeRequest crowd = alone;
  for (int i = 0; i < 40; ++i)
    crowd.add_texts(std::string(static_cast<std::size_t>(20 * i + 1), 'a') + " and so on");
  crowd.add_texts(alone.texts(0));
  EXPECT_THAT(Encode(crowd).results(41).embedding(),
              testing::ElementsAreArray(Encode(alone).results(0).embedding()));
}

TEST_F(CallsTest, WindowsThatCannotBeAreRefused) {
  v1::EncodeRequest request;
  request.add_texts("short");
  request.set_window_overlap(8);
  EncodeFails(request, "window_overlap: expected none without TRUNCATION_WINDOWS, found one");
  request.set_truncation(v1::TRUNCATION_WINDOWS);
  request.set_window_overlap(31);
  EXPECT_EQ(Encode(request).results_size(), 1);
  request.set_window_overlap(32);
  EncodeFails(request, "window_overlap: expected at most 31, half of the tokens of a window");
}

TEST_F(CallsTest, TokenizeGivesIdsAndPieces) {
  v1::TokenizeRequest request;
  request.add_texts("Hello there");
  request.add_texts(LongRequest(1).texts(0));
  v1::TokenizeResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(running_.stub().Tokenize(&context, request, &response).ok());
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).ids_size(), response.results(0).pieces_size());
  EXPECT_GT(response.results(0).ids_size(), 1);
  EXPECT_GT(response.results(1).ids_size(), static_cast<int>(GetModel().limits().max_text_tokens()))
      << "never truncated";
  EXPECT_EQ(running_.Metric(R"(synth_texts_total{model="intent"})"), 0) << "nothing was computed";
}

TEST_F(CallsTest, GetModelSaysWhatIsLoaded) {
  const v1::GetModelResponse response = GetModel();
  EXPECT_EQ(response.model().name(), "intent");
  EXPECT_THAT(response.model().digest(), SizeIs(64));
  EXPECT_THAT(response.config_json(), HasSubstr("factorized_random"));
  EXPECT_EQ(response.labels_size(), 150);
  EXPECT_GT(response.parameters().total(),
            response.parameters().embeddings() + response.parameters().scores());
  EXPECT_GT(response.parameters().scores(), 0U);
  EXPECT_GT(response.memory().weight_bytes(), 0U);
  EXPECT_GT(response.memory().attention_bytes(), 0U);
  EXPECT_EQ(response.limits().max_texts(), 1024U);
  EXPECT_FALSE(response.server_version().empty());
}

TEST(ModelsTest, SeveralModelsAreServedByName) {
  Options options = TestOptions();
  options.models.push_back({.name = "twin", .folder = options.models.front().folder});
  RunningServer running(options);
  v1::ClassifyRequest request;
  request.set_model("twin");
  request.add_texts("what is my checking account balance");
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(running.stub().Classify(&context, request, &response).ok());
  EXPECT_EQ(response.model().name(), "twin");
  EXPECT_EQ(running.ClassifyOne("what is my checking account balance"),
            response.results(0).labels(0).name());

  v1::GetModelResponse model;
  grpc::ClientContext model_context;
  ASSERT_TRUE(running.stub().GetModel(&model_context, {}, &model).ok());
  EXPECT_THAT(model.other_models(), ElementsAre("twin"));
}

TEST(ModelsTest, StartNamesTheModelThatCannotBeLoaded) {
  Options options = TestOptions();
  options.models.push_back({.name = "ghost", .folder = "/nonexistent"});
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()),
              AllOf(HasSubstr("ghost"), HasSubstr("/nonexistent")));
}

TEST(ModelsTest, ARegressionGivesItsNumber) {
  const TempFolder folder;
  const std::filesystem::path from = paths::SourcePath("tests/golden/tokenized");
  for (const char* const file : {"model.safetensors", "tokenizer.model"}) {
    std::filesystem::copy(from / file, folder.path());
  }
  nlohmann::json config = nlohmann::json::parse(ReadFile(from / "config.json"));
  config["problem_type"] = "regression";
  config.erase("out_of_scope");
  WriteFile(folder.path() / "config.json", config.dump());
  Options options = TestOptions();
  options.models = {{.name = "rating", .folder = folder.path()}};
  RunningServer running(options);

  v1::ClassifyRequest request;
  request.add_texts("play some jazz");
  request.set_top_k(0);
  v1::ClassifyResponse numbers;
  v1::ClassifyResponse logits;
  grpc::ClientContext numbers_context;
  grpc::ClientContext logits_context;
  ASSERT_TRUE(running.stub().Classify(&numbers_context, request, &numbers).ok());
  request.set_score_type(v1::SCORE_TYPE_LOGIT);
  ASSERT_TRUE(running.stub().Classify(&logits_context, request, &logits).ok());
  ASSERT_EQ(numbers.results(0).labels_size(), 5);
  float lowest = 0;
  for (int i = 0; i < 5; ++i) {
    const float score = numbers.results(0).labels(i).score();
    EXPECT_EQ(score, logits.results(0).labels(i).score());
    lowest = std::min(lowest, score);
  }
  EXPECT_LT(lowest, 0) << "numbers that might be probabilities show nothing";
  v1::GetModelResponse model;
  grpc::ClientContext model_context;
  ASSERT_TRUE(running.stub().GetModel(&model_context, {}, &model).ok());
  EXPECT_EQ(model.problem_type(), "regression");
}

TEST(ModelsTest, StartNamesTheAddressThatIsTaken) {
  RunningServer running;
  Options options = TestOptions();
  options.listen = "127.0.0.1:" + std::to_string(running.server().grpc_port());
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()),
              AllOf(HasSubstr("--listen"), HasSubstr(options.listen)));
  options = TestOptions();
  options.metrics_listen = "127.0.0.1:" + std::to_string(running.server().metrics_port());
  server = Server::Start(options);
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("--metrics-listen"));
}

}  // namespace
}  // namespace synth::server
