// Folders of Hugging Face's RoBERTa and XLM-R: what is read, and what is refused.
// tests/golden/roberta_* and xlm_roberta_* show that the numbers are those of transformers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "synth/config.h"
#include "synth/model.h"
#include "tests/model/test_checkpoint.h"
#include "tests/support/files.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json RobertaConfig() {
  return {{"model_type", "roberta"},      {"vocab_size", 29},         {"hidden_size", 18},
          {"num_hidden_layers", 1},       {"num_attention_heads", 3}, {"intermediate_size", 20},
          {"max_position_embeddings", 12}};
}

json ClassifierConfigJson() {
  json config = RobertaConfig();
  config["architectures"] = {"RobertaForSequenceClassification"};
  return config;
}

std::string ErrorWith(const std::string& key, const json& value, json config = RobertaConfig()) {
  config[key] = value;
  const auto parsed = ParseConfig(config.dump());
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(RobertaConfig, PositionsBeginBehindThatOfPadding) {
  const auto config = ParseConfig(RobertaConfig().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->position_pad_id, 1);
  EXPECT_EQ(config->max_text_tokens(), 10);
  EXPECT_EQ(config->position_rows(), 12);
  EXPECT_EQ(config->type_vocab_size, 2);

  json other = RobertaConfig();
  other["pad_token_id"] = 4;
  EXPECT_EQ(ParseConfig(other.dump())->max_text_tokens(), 7);
  EXPECT_EQ(ErrorWith("pad_token_id", 10), "");
  EXPECT_THAT(ErrorWith("pad_token_id", 11),
              HasSubstr("max_position_embeddings: expected more than pad_token_id + 1 = 12"));
  EXPECT_THAT(ErrorWith("pad_token_id", -1), HasSubstr("pad_token_id: expected an integer from 0"));
  EXPECT_THAT(ErrorWith("max_position_embeddings", 2), HasSubstr("pad_token_id + 1 = 2, found 2"));
}

TEST(RobertaConfig, BothFamiliesHaveArchitecturesOfTheirOwn) {
  for (const char* name : {"RobertaModel", "RobertaForMaskedLM"}) {
    EXPECT_EQ(ErrorWith("architectures", {name}), "") << name;
  }
  EXPECT_THAT(ErrorWith("architectures", {"XLMRobertaModel"}),
              HasSubstr("architectures[0]: expected \"RobertaModel\" or"));
  json config = RobertaConfig();
  config["model_type"] = "xlm-roberta";
  for (const char* name :
       {"XLMRobertaModel", "XLMRobertaForMaskedLM", "XLMRobertaForSequenceClassification"}) {
    EXPECT_EQ(ErrorWith("architectures", {name}, config), "") << name;
  }
  EXPECT_THAT(ErrorWith("architectures", {"RobertaModel"}, config),
              HasSubstr("architectures[0]: expected \"XLMRobertaModel\" or"));
}

TEST(RobertaConfig, AnotherModelIsRefused) {
  EXPECT_THAT(ErrorWith("position_embedding_type", "relative_key"),
              HasSubstr("position_embedding_type: expected \"absolute\""));
  EXPECT_THAT(ErrorWith("is_decoder", true), HasSubstr("is_decoder: expected false"));
  EXPECT_THAT(ErrorWith("auto_map", {{"AutoModel", "modeling.Mine"}}),
              HasSubstr("auto_map: expected nothing: code that comes with a model is not run"));
}

TEST(RobertaConfig, TheClassifierHasALayerOfItsOwn) {
  const auto config = ParseConfig(ClassifierConfigJson().dump());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->classifier->pooler, Pooler::kTanh);
  EXPECT_EQ(config->pooling, Pooling::kCls);
}

class RobertaFolderTest : public testing::Test {
 protected:
  std::string Error() const {
    WriteCheckpoint(folder_.path(), config_, tensors_);
    return std::string(Model::Load(folder_.path()).status().message());
  }
  void Rename(const std::string& from, const std::string& to) {
    auto tensor = tensors_.extract(from);
    ASSERT_FALSE(tensor.empty()) << from;
    tensor.key() = to;
    tensors_.insert(std::move(tensor));
  }

  const TempFolder folder_;
  json config_ = RobertaConfig();
  TestTensors tensors_ = RandomTensors(config_, 1);
};

TEST_F(RobertaFolderTest, AnEncoderWithOrWithoutThePrefixAndItsTrainingsHead) {
  EXPECT_EQ(Error(), "");
  const TestTensors plain = tensors_;
  for (const auto& [name, tensor] : plain) Rename(name, "roberta." + name);
  for (const char* const name : {"lm_head.bias", "lm_head.layer_norm.weight",
                                 "roberta.pooler.dense.bias", "roberta.embeddings.position_ids"}) {
    tensors_[name] = {.shape = {1}, .values = {1}};
  }
  EXPECT_EQ(Error(), "");
  tensors_["roberta.encoder.layer.0.adapter.weight"] = {.shape = {1}, .values = {1}};
  EXPECT_THAT(Error(), HasSubstr("adapter.weight\" [1] is unexpected"));
}

TEST_F(RobertaFolderTest, AClassifierNeedsItsLayer) {
  config_ = ClassifierConfigJson();
  tensors_ = RandomTensors(config_, 2);
  for (const std::string end : {".weight", ".bias"}) {
    Rename("classifier" + end, "classifier.out_proj" + end);
    Rename("pooler.dense" + end, "classifier.dense" + end);
  }
  EXPECT_EQ(Error(), "");
  // RobertaModel's own, which the head does not read.
  tensors_["roberta.pooler.dense.weight"] = {.shape = {1}, .values = {1}};
  EXPECT_EQ(Error(), "");
  tensors_.erase("classifier.dense.bias");
  EXPECT_THAT(Error(), HasSubstr("tensor \"pooler.dense.bias\": missing; expected shape [18]"));
}

TEST_F(RobertaFolderTest, ATokenizerThatIsNotReadIsRefused) {
  for (const char* const name : {"sentencepiece.bpe.model", "merges.txt", "vocab.json"}) {
    WriteFile(folder_.path() / name, "");
    EXPECT_THAT(Error(), HasSubstr(std::string(name) + ": expected tokenizer.json beside it"));
  }
  WriteFile(folder_.path() / "tokenizer.json", R"({"model": {"type": "Unknown"}})");
  EXPECT_THAT(Error(), HasSubstr("tokenizer.json: "));
}

}  // namespace
}  // namespace synth
