#include "synth/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const json kDense = {{"type", "dense"}};

std::string ErrorOf(const json& config) {
  const auto parsed = ParseConfig(config.dump());
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

// The error of a good config with one key set to `value`.
std::string ErrorWith(const std::string& key, const json& value) {
  json config = TinyConfig(kDense);
  config[key] = value;
  return ErrorOf(config);
}

std::string ErrorWithout(const std::string& key) {
  json config = TinyConfig(kDense);
  config.erase(key);
  return ErrorOf(config);
}

json ClassifierConfigJson() {
  json config = TinyConfig(kDense);
  config["problem_type"] = "single_label_classification";
  config["id2label"] = {{"0", "yes"}, {"1", "no"}};
  return config;
}

TEST(Config, Defaults) {
  const auto config = ParseConfig(TinyConfig(kDense).dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->vocab_size, 29);
  EXPECT_EQ(config->head_size(), 6);
  EXPECT_EQ(config->type_vocab_size, 0);
  EXPECT_EQ(config->layer_norm_eps, 1e-12F);
  EXPECT_EQ(config->norm_position, NormPosition::kPost);
  EXPECT_EQ(config->position_embedding, PositionEmbedding::kAbsolute);
  EXPECT_EQ(config->pooling, Pooling::kMean);
  EXPECT_EQ(config->attention.size(), 2U);
  EXPECT_FALSE(config->classifier || config->tokenizer || config->out_of_scope);
}

TEST(Config, ReadsEveryKey) {
  json file = ClassifierConfigJson();
  file["type_vocab_size"] = 2;
  file["hidden_act"] = "gelu_new";
  file["layer_norm_eps"] = 1e-5;
  file["norm_position"] = "pre";
  file["position_embedding_type"] = "none";
  file["pooling"] = "max";
  file["problem_type"] = "multi_label_classification";
  file["tokenizer"] = {
      {"type", "sentencepiece"}, {"file", "t.model"}, {"cls_token", "<s>"}, {"sep_token", nullptr}};
  file["out_of_scope"] = {{"score", "energy"}, {"threshold", -2.5}};
  file["unknown_key"] = {1, 2, 3};
  const auto config = ParseConfig(file.dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->type_vocab_size, 2);
  EXPECT_EQ(config->hidden_act, Activation::kGeluNew);
  EXPECT_EQ(config->layer_norm_eps, 1e-5F);
  EXPECT_EQ(config->norm_position, NormPosition::kPre);
  EXPECT_EQ(config->position_embedding, PositionEmbedding::kNone);
  EXPECT_EQ(config->pooling, Pooling::kMax);
  EXPECT_EQ(config->classifier->problem_type, ProblemType::kMultiLabel);
  EXPECT_EQ(config->classifier->labels, (std::vector<std::string>{"yes", "no"}));
  EXPECT_EQ(config->tokenizer->file, "t.model");
  EXPECT_EQ(config->tokenizer->cls_token, "<s>");
  EXPECT_FALSE(config->tokenizer->sep_token.has_value());
  EXPECT_EQ(config->out_of_scope->score, OutOfScopeScore::kEnergy);
  EXPECT_EQ(config->out_of_scope->threshold, -2.5F);
}

TEST(Config, ReadsEveryAttentionSpec) {
  const std::vector<std::string> names = {
      "dot_product",
      "dense",
      "factorized_dense",
      "random",
      "factorized_random",
      "mixture(random + factorized_random)",
      "mixture(factorized_random + dot_product)",
      "mixture(dense + dot_product + factorized_dense)",
      "mixture(random + dense + factorized_random + factorized_dense)"};
  const std::vector<json> specs = AllAttentionSpecs();
  json file = TinyConfig(specs);
  file["num_hidden_layers"] = specs.size();
  const auto config = ParseConfig(file.dump());
  ASSERT_TRUE(config.ok()) << config.status();
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(ToString(config->attention[i]), names[i]);
  }
  EXPECT_EQ(std::get<FactorizedDenseSpec>(config->attention[2]), (FactorizedDenseSpec{4, 3}));
  EXPECT_EQ(std::get<FactorizedRandomSpec>(config->attention[4]).k, 2);
}

TEST(Config, NotJson) {
  const auto error = [](std::string_view text) {
    return std::string(ParseConfig(text).status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("expected JSON"));
  EXPECT_THAT(error("{\"a\": }"), HasSubstr("expected JSON, found something else at byte 7"));
  EXPECT_THAT(error("[]"), HasSubstr("expected a JSON object, found []"));
  EXPECT_THAT(error("{\"a\": 1, \"a\": 2}"), HasSubstr("the key \"a\" is there twice"));
  EXPECT_THAT(error("{\"a\": 1e999}"), HasSubstr("expected JSON"));
  EXPECT_THAT(error(std::string(1'000'000, '[')), HasSubstr("nesting deeper than 32"));
  std::string bomb = "{\"attention\":";
  for (int i = 0; i < 100'000; ++i) bomb += "{\"parts\":[";
  EXPECT_THAT(error(bomb), HasSubstr("nesting deeper than 32"));
}

TEST(Config, ModelType) {
  EXPECT_THAT(ErrorWith("model_type", "gpt2"),
              HasSubstr("model_type: expected \"synthesizer\" or \"bert\" or \"distilbert\" or "
                        "\"roberta\" or \"xlm-roberta\", "
                        "found \"gpt2\""));
  EXPECT_THAT(ErrorWithout("model_type"), HasSubstr("or \"xlm-roberta\", found nothing"));
}

TEST(Config, Sizes) {
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                          "intermediate_size", "max_position_embeddings"}) {
    EXPECT_THAT(ErrorWithout(key), HasSubstr(std::string(key) + ": expected an integer"));
    for (const json& bad : std::vector<json>{0, -1, 1.5, "3", true, json::array(), 1U << 31,
                                             18446744073709551615U, 1e300}) {
      EXPECT_THAT(ErrorWith(key, bad), HasSubstr(std::string(key) + ": expected an integer from 1"))
          << bad;
    }
  }
  EXPECT_THAT(ErrorWith("type_vocab_size", -1), HasSubstr("type_vocab_size: expected an integer"));
  EXPECT_THAT(ErrorWith("num_hidden_layers", 100000), HasSubstr("from 1 to 1024, found 100000"));
  EXPECT_THAT(ErrorWith("num_attention_heads", 5),
              HasSubstr("num_attention_heads: expected a divisor of hidden_size = 18, found 5"));
}

TEST(Config, Choices) {
  EXPECT_THAT(ErrorWithout("hidden_act"), HasSubstr("hidden_act: expected \"relu\" or \"gelu\""));
  for (const char* key : {"hidden_act", "norm_position", "position_embedding_type", "pooling"}) {
    EXPECT_THAT(ErrorWith(key, "silly"), HasSubstr(std::string(key) + ": expected \"")) << key;
    EXPECT_THAT(ErrorWith(key, 1), HasSubstr(", found 1")) << key;
  }
}

TEST(Config, LayerNormEps) {
  for (const json& bad : std::vector<json>{0, -1e-5, "small", 1e300, 1e-300}) {
    EXPECT_THAT(ErrorWith("layer_norm_eps", bad), HasSubstr("layer_norm_eps: expected a number"));
  }
}

TEST(Config, Attention) {
  const auto error = [](const json& spec) { return ErrorWith("attention", spec); };
  EXPECT_THAT(ErrorWithout("attention"), HasSubstr("attention: expected a spec"));
  EXPECT_THAT(error("dense"), HasSubstr("attention: expected a spec"));
  EXPECT_THAT(error(json::array({kDense})),
              HasSubstr("expected num_hidden_layers = 2 specs, found 1"));
  EXPECT_THAT(error({kDense, 3}), HasSubstr("attention[1]: expected an object, found 3"));
  EXPECT_THAT(error(json::object()), HasSubstr("attention.type: expected \"dot_product\""));
  EXPECT_THAT(error({{"type", "linear"}}), HasSubstr("found \"linear\""));
  EXPECT_THAT(error({{"type", "factorized_dense"}}), HasSubstr("attention.factors: expected two"));
  EXPECT_THAT(error({{"type", "factorized_dense"}, {"factors", {0, 3}}}),
              HasSubstr("attention.factors[0]: expected an integer"));
  EXPECT_THAT(error({{"type", "factorized_dense"}, {"factors", {5, 3}}}),
              HasSubstr("a * b = max_position_embeddings = 12, found [5,3]"));
  EXPECT_THAT(error({{"type", "random"}}),
              HasSubstr("attention.trainable: expected true or false"));
  EXPECT_THAT(error({{"type", "factorized_random"}}),
              HasSubstr("attention.k: expected an integer"));
  EXPECT_THAT(error({{"type", "factorized_random"}, {"k", 0}}), HasSubstr("found 0"));
}

TEST(Config, Mixture) {
  const auto error = [](const json& parts) {
    return ErrorWith("attention", {{"type", "mixture"}, {"parts", parts}});
  };
  EXPECT_THAT(error(nullptr), HasSubstr("attention.parts: expected an array of 2 to 64 specs"));
  EXPECT_THAT(error(std::vector<json>{kDense}), HasSubstr("attention.parts: expected an array"));
  EXPECT_THAT(error(std::vector<json>(65, kDense)), HasSubstr("expected an array of 2 to 64"));
  EXPECT_THAT(error({kDense, {{"type", "factorized_random"}}}),
              HasSubstr("attention.parts[1].k: expected an integer"));
  const json nested = {{"type", "mixture"}, {"parts", {kDense, kDense}}};
  EXPECT_THAT(error({kDense, nested}),
              HasSubstr("attention.parts[1]: expected a spec that is not itself a mixture"));
}

TEST(Config, Classifier) {
  const auto error = [](const std::string& key, const json& value) {
    json config = ClassifierConfigJson();
    config[key] = value;
    return ErrorOf(config);
  };
  EXPECT_EQ(error("problem_type", "multi_label_classification"), "");
  EXPECT_EQ(error("problem_type", "regression"), "");
  EXPECT_THAT(error("problem_type", "ranking"), HasSubstr("problem_type: expected \"single"));
  EXPECT_THAT(error("problem_type", nullptr), HasSubstr("problem_type: expected"));
  EXPECT_THAT(error("id2label", nullptr),
              HasSubstr("problem_type: expected nothing, as there is no id2label"));
  EXPECT_THAT(error("id2label", json::object()), HasSubstr("id2label: expected an object"));
  EXPECT_THAT(error("id2label", {{"0", "a"}, {"2", "b"}}),
              HasSubstr("id2label.1: expected a string, found nothing"));
  EXPECT_THAT(error("id2label", {{"0", 1}}), HasSubstr("id2label.0: expected a string, found 1"));
}

TEST(Config, Tokenizer) {
  const auto error = [](const json& change) {
    json tokenizer = {{"type", "sentencepiece"}, {"file", "tokenizer.model"}};
    tokenizer.merge_patch(change);
    return ErrorWith("tokenizer", tokenizer);
  };
  EXPECT_EQ(error(json::object()), "");
  EXPECT_THAT(ErrorWith("tokenizer", 3), HasSubstr("tokenizer: expected an object"));
  EXPECT_THAT(error({{"type", "wordpiece"}}), HasSubstr("tokenizer.type: expected \"sentence"));
  EXPECT_THAT(error({{"file", nullptr}}), HasSubstr("tokenizer.file: expected a string"));
  for (const char* file : {"", ".", "..", "../t", "/etc/passwd", "a\\b", "a\nb"}) {
    EXPECT_THAT(error({{"file", file}}), HasSubstr("tokenizer.file: expected the name of a file"));
  }
  EXPECT_THAT(error({{"cls_token", 1}}), HasSubstr("tokenizer.cls_token: expected a string"));
  EXPECT_THAT(error({{"sep_token", 1}}), HasSubstr("tokenizer.sep_token: expected a string"));
}

TEST(Config, OutOfScope) {
  const auto error = [](const json& value) {
    json config = ClassifierConfigJson();
    config["out_of_scope"] = value;
    return ErrorOf(config);
  };
  EXPECT_EQ(error({{"score", "max_probability"}, {"threshold", 1}}), "");
  EXPECT_THAT(error("energy"), HasSubstr("out_of_scope: expected an object"));
  EXPECT_THAT(error({{"score", "x"}, {"threshold", 1}}), HasSubstr("out_of_scope.score: expected"));
  EXPECT_THAT(error({{"score", "energy"}}), HasSubstr("out_of_scope.threshold: expected a number"));
  EXPECT_THAT(error({{"score", "energy"}, {"threshold", 1e300}}), HasSubstr("found 1e+300"));
  EXPECT_THAT(ErrorWith("out_of_scope", {{"score", "energy"}, {"threshold", 1}}),
              HasSubstr("out_of_scope: expected nothing, as there is no id2label"));
  json regression = ClassifierConfigJson();
  regression["problem_type"] = "regression";
  regression["out_of_scope"] = {{"score", "energy"}, {"threshold", 1}};
  EXPECT_THAT(ErrorOf(regression),
              HasSubstr("out_of_scope: expected nothing, as problem_type is \"regression\""));
}

TEST(Config, LongValuesAreShortenedInErrors) {
  EXPECT_LT(ErrorWith("hidden_act", std::string(100'000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace synth
