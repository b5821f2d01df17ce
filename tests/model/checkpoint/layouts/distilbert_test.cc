// Folders of Hugging Face's DistilBERT: what is read, and what is refused.
// tests/golden/distilbert_* show that the numbers are those of transformers.
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

json DistilbertConfig() {
  return {{"model_type", "distilbert"},
          {"vocab_size", 29},
          {"dim", 18},
          {"n_layers", 1},
          {"n_heads", 3},
          {"hidden_dim", 20},
          {"max_position_embeddings", 12}};
}

json ClassifierConfigJson() {
  json config = DistilbertConfig();
  config["architectures"] = {"DistilBertForSequenceClassification"};
  return config;
}

std::string ErrorWith(const std::string& key, const json& value) {
  json config = DistilbertConfig();
  config[key] = value;
  const auto parsed = ParseConfig(config.dump());
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(DistilbertConfig, ItsKeysAndDefaults) {
  const auto config = ParseConfig(DistilbertConfig().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->model_type, "distilbert");
  EXPECT_EQ(config->hidden_size, 18);
  EXPECT_EQ(config->num_hidden_layers, 1);
  EXPECT_EQ(config->num_attention_heads, 3);
  EXPECT_EQ(config->intermediate_size, 20);
  EXPECT_EQ(config->type_vocab_size, 0);
  EXPECT_EQ(config->hidden_act, Activation::kGelu);
  EXPECT_EQ(config->layer_norm_eps, 1e-12F);
  EXPECT_EQ(config->attention, std::vector<AttentionSpec>{DotProductSpec{}});
  EXPECT_FALSE(config->classifier.has_value());

  const auto classifier = ParseConfig(ClassifierConfigJson().dump());
  ASSERT_TRUE(classifier.ok()) << classifier.status();
  EXPECT_EQ(classifier->classifier->pooler, Pooler::kRelu);
  EXPECT_EQ(classifier->classifier->labels.size(), 2U);
  EXPECT_EQ(classifier->pooling, Pooling::kCls);
}

TEST(DistilbertConfig, ErrorsSpeakOfItsKeys) {
  for (const char* key : {"dim", "n_layers", "n_heads", "hidden_dim", "vocab_size"}) {
    EXPECT_THAT(ErrorWith(key, nullptr), HasSubstr(std::string(key) + ": expected an integer"));
  }
  EXPECT_THAT(ErrorWith("n_heads", 4), HasSubstr("n_heads: expected a divisor of dim = 18"));
  EXPECT_THAT(ErrorWith("activation", "mish"), HasSubstr("activation: expected \"relu\""));
  EXPECT_THAT(ErrorWith("architectures", {"DistilBertForQuestionAnswering"}),
              HasSubstr("architectures[0]: expected \"DistilBertModel\" or"));
  EXPECT_THAT(ErrorWith("auto_map", {{"AutoModel", "modeling.Mine"}}), HasSubstr("auto_map"));
  EXPECT_THAT(ErrorWith("sinusoidal_pos_embds", 1), HasSubstr("expected true or false"));
  EXPECT_EQ(ErrorWith("sinusoidal_pos_embds", true), "") << "the file holds the positions";
  EXPECT_EQ(ErrorWith("activation", "relu"), "");
}

class DistilbertTensorsTest : public testing::Test {
 protected:
  DistilbertTensorsTest() {
    TestTensors table = RandomTensors(ClassifierConfigJson(), 1);
    const auto take = [&](const std::string& from, const std::string& to) {
      for (const char* const end : {".weight", ".bias"}) {
        auto tensor = table.extract(from + end);
        ASSERT_FALSE(tensor.empty()) << from << end;
        tensor.key() = to + end;
        tensors_.insert(std::move(tensor));
      }
    };
    const std::string layer = "encoder.layer.0.";
    const std::string its_layer = "distilbert.transformer.layer.0.";
    take(layer + "attention.self.query", its_layer + "attention.q_lin");
    take(layer + "attention.self.key", its_layer + "attention.k_lin");
    take(layer + "attention.self.value", its_layer + "attention.v_lin");
    take(layer + "attention.output.dense", its_layer + "attention.out_lin");
    take(layer + "attention.output.LayerNorm", its_layer + "sa_layer_norm");
    take(layer + "intermediate.dense", its_layer + "ffn.lin1");
    take(layer + "output.dense", its_layer + "ffn.lin2");
    take(layer + "output.LayerNorm", its_layer + "output_layer_norm");
    take("embeddings.LayerNorm", "distilbert.embeddings.LayerNorm");
    take("pooler.dense", "pre_classifier");
    take("classifier", "classifier");
    for (auto& [name, tensor] : table) tensors_["distilbert." + name] = tensor;
  }

  std::string Error() const {
    WriteCheckpoint(folder_.path(), config_, tensors_);
    return std::string(Checkpoint::Open(folder_.path()).status().message());
  }

  const TempFolder folder_;
  json config_ = ClassifierConfigJson();
  TestTensors tensors_;
};

TEST_F(DistilbertTensorsTest, AClassifier) { EXPECT_EQ(Error(), ""); }

TEST_F(DistilbertTensorsTest, AnEncoderWithOrWithoutThePrefixAndItsTrainingsHead) {
  config_ = DistilbertConfig();
  EXPECT_THAT(Error(), HasSubstr("tensor \"classifier.bias\" [2] is unexpected"));
  for (const char* const name : {"classifier", "pre_classifier"}) {
    tensors_.erase(std::string(name) + ".weight");
    tensors_.erase(std::string(name) + ".bias");
  }
  EXPECT_EQ(Error(), "");
  TestTensors bare;
  for (const auto& [name, tensor] : tensors_) bare[name.substr(name.find('.') + 1)] = tensor;
  tensors_ = bare;
  for (const char* const head : {"vocab_transform.weight", "vocab_layer_norm.bias",
                                 "vocab_projector.bias", "embeddings.position_ids"}) {
    tensors_[head] = {.shape = {1}, .values = {1}};
  }
  EXPECT_EQ(Error(), "");
}

TEST_F(DistilbertTensorsTest, WhatIsNotKnownIsRefused) {
  TestTensors good = tensors_;
  for (const char* const name : {"transformer.layer.0.ffn.lin3.weight", "transformer.layer.7",
                                 "transformer.layer.1.ffn.lin1.weight", "lm_head.bias"}) {
    tensors_ = good;
    tensors_[name] = {.shape = {1}, .values = {1}};
    EXPECT_THAT(Error(), HasSubstr("is unexpected")) << name;
  }
  tensors_ = good;
  tensors_["distilbert.transformer.layer.0.ffn.lin1.bias"].shape = {4, 5};
  EXPECT_THAT(Error(), HasSubstr("tensor \"distilbert.transformer.layer.0.ffn.lin1.bias\": "
                                 "expected shape [20], found [4, 5]"));
  tensors_ = good;
  tensors_.erase("pre_classifier.weight");
  EXPECT_THAT(Error(), HasSubstr("tensor \"pooler.dense.weight\": missing"));
}

}  // namespace
}  // namespace synth
