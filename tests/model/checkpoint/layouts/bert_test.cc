// Folders of Hugging Face's BERT: what is read, and what is refused rather than computed wrongly.
// tests/golden/bert_* show that the numbers are those of transformers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "synth/config.h"
#include "tests/model/test_checkpoint.h"
#include "tests/support/files.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json BertConfig() {
  return {{"model_type", "bert"},         {"vocab_size", 29},         {"hidden_size", 18},
          {"num_hidden_layers", 1},       {"num_attention_heads", 3}, {"intermediate_size", 20},
          {"max_position_embeddings", 12}};
}

json ClassifierConfigJson() {
  json config = BertConfig();
  config["architectures"] = {"BertForSequenceClassification"};
  return config;
}

std::string ErrorWith(const std::string& key, const json& value, json config = BertConfig()) {
  config[key] = value;
  const auto parsed = ParseConfig(config.dump());
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(BertConfig, WhatIsAbsentIsAsInBertConfig) {
  const auto config = ParseConfig(BertConfig().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->model_type, "bert");
  EXPECT_EQ(config->type_vocab_size, 2);
  EXPECT_EQ(config->hidden_act, Activation::kGelu);
  EXPECT_EQ(config->layer_norm_eps, 1e-12F);
  EXPECT_EQ(config->norm_position, NormPosition::kPost);
  EXPECT_EQ(config->attention, std::vector<AttentionSpec>{DotProductSpec{}});
  EXPECT_FALSE(config->classifier.has_value());
}

TEST(BertConfig, AHeadThatIsNotServedLeavesTheEncoder) {
  for (const char* name : {"BertModel", "BertForMaskedLM", "BertForPreTraining"}) {
    EXPECT_EQ(ErrorWith("architectures", {name}), "") << name;
  }
  EXPECT_THAT(ErrorWith("architectures", {"BertForTokenClassification"}),
              HasSubstr("architectures[0]: expected \"BertModel\" or"));
  EXPECT_THAT(ErrorWith("architectures", {"BertModel", "BertModel"}),
              HasSubstr("architectures: expected an array of one name"));
  EXPECT_THAT(ErrorWith("architectures", {3}), HasSubstr("architectures[0]: expected"));
}

TEST(BertConfig, AnotherModelIsRefused) {
  EXPECT_THAT(ErrorWith("is_decoder", true), HasSubstr("is_decoder: expected false, found true"));
  EXPECT_THAT(ErrorWith("add_cross_attention", true), HasSubstr("expected false"));
  EXPECT_THAT(ErrorWith("position_embedding_type", "relative_key"),
              HasSubstr("position_embedding_type: expected \"absolute\""));
  EXPECT_THAT(ErrorWith("pruned_heads", {{"0", {1}}}), HasSubstr("pruned_heads: expected none"));
  EXPECT_THAT(ErrorWith("auto_map", {{"AutoModel", "modeling.Mine"}}),
              HasSubstr("auto_map: expected nothing"));
  EXPECT_THAT(ErrorWith("quantization_config", {{"bits", 4}}),
              HasSubstr("quantization_config: expected nothing"));
  EXPECT_THAT(ErrorWith("hidden_act", "mish"), HasSubstr("hidden_act: expected \"relu\""));
  for (const char* name : {"gelu_pytorch_tanh", "silu", "swish"}) {
    EXPECT_EQ(ErrorWith("hidden_act", name), "") << name;
  }
  for (const auto& [key, plain] : std::vector<std::pair<std::string, json>>{
           {"is_decoder", false}, {"pruned_heads", json::object()}, {"auto_map", nullptr}}) {
    EXPECT_EQ(ErrorWith(key, plain), "") << key;
  }
}

TEST(BertConfig, AClassifierHasTwoLabelsUnlessItSaysMore) {
  const auto two = ParseConfig(ClassifierConfigJson().dump());
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(two->classifier->labels, (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(two->classifier->problem_type, ProblemType::kSingleLabel);
  EXPECT_EQ(two->classifier->pooler, Pooler::kTanh);
  EXPECT_EQ(two->pooling, Pooling::kCls);

  json config = ClassifierConfigJson();
  config["id2label"] = {{"0", "no"}, {"1", "yes"}, {"2", "maybe"}};
  config["problem_type"] = "multi_label_classification";
  const auto three = ParseConfig(config.dump());
  ASSERT_TRUE(three.ok()) << three.status();
  EXPECT_EQ(three->classifier->labels.back(), "maybe");
  EXPECT_EQ(three->classifier->problem_type, ProblemType::kMultiLabel);
}

TEST(BertConfig, OneLabelIsARegression) {
  json config = ClassifierConfigJson();
  config["id2label"] = {{"0", "LABEL_0"}};
  const auto one = ParseConfig(config.dump());
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->classifier->problem_type, ProblemType::kRegression);
  EXPECT_EQ(ErrorWith("problem_type", "multi_label_classification", config), "");
  EXPECT_THAT(ErrorWith("problem_type", "single_label_classification", config),
              HasSubstr("problem_type: expected \"regression\", as id2label has one label"));

  config = ClassifierConfigJson();
  config["problem_type"] = "regression";
  const auto two = ParseConfig(config.dump());
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ(two->classifier->problem_type, ProblemType::kRegression);
  EXPECT_EQ(two->classifier->labels.size(), 2U);
}

class BertTensorsTest : public testing::Test {
 protected:
  std::string Error() const {
    WriteCheckpoint(folder_.path(), config_, tensors_);
    return std::string(Checkpoint::Open(folder_.path()).status().message());
  }
  void Rename(const std::string& from, const std::string& to) {
    auto tensor = tensors_.extract(from);
    ASSERT_FALSE(tensor.empty()) << from;
    tensor.key() = to;
    tensors_.insert(std::move(tensor));
  }

  const TempFolder folder_;
  json config_ = BertConfig();
  TestTensors tensors_ = RandomTensors(config_, 1);
};

TEST_F(BertTensorsTest, WithOrWithoutThePrefix) {
  EXPECT_EQ(Error(), "");
  const TestTensors plain = tensors_;
  for (const auto& [name, tensor] : plain) Rename(name, "bert." + name);
  EXPECT_EQ(Error(), "");
}

TEST_F(BertTensorsTest, OldNamesOfLayerNorms) {
  Rename("embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma");
  Rename("encoder.layer.0.output.LayerNorm.bias", "encoder.layer.0.output.LayerNorm.beta");
  EXPECT_EQ(Error(), "");
}

TEST_F(BertTensorsTest, OneTensorUnderTwoNames) {
  tensors_["bert.embeddings.LayerNorm.bias"] = tensors_["embeddings.LayerNorm.bias"];
  EXPECT_THAT(Error(), HasSubstr("expected once, found again under another name"));
}

TEST_F(BertTensorsTest, OnlyWhatIsKnownIsLeftOut) {
  tensors_["embeddings.position_ids"] = {.shape = {1, 12}, .values = std::vector<float>(12)};
  tensors_["cls.predictions.bias"] = {.shape = {29}, .values = std::vector<float>(29)};
  tensors_["pooler.dense.weight"] = {.shape = {18, 18}, .values = std::vector<float>(324)};
  EXPECT_EQ(Error(), "");
  tensors_["encoder.layer.0.adapter.weight"] = {.shape = {1}, .values = {1}};
  EXPECT_THAT(Error(), HasSubstr("tensor \"encoder.layer.0.adapter.weight\" [1] is unexpected"));
}

TEST_F(BertTensorsTest, AClassifierNeedsItsPooler) {
  config_ = ClassifierConfigJson();
  EXPECT_THAT(Error(), HasSubstr("tensor \"pooler.dense.weight\": missing; expected shape"));
  tensors_ = RandomTensors(config_, 2);
  EXPECT_EQ(Error(), "");
}

}  // namespace
}  // namespace synth
