// Folders of sentence-transformers: pooling, length and normalization are the folder's, and what is
// not computed here is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/checkpoint/digest.h"
#include "synth/model.h"
#include "tests/model/test_checkpoint.h"
#include "tests/support/files.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pair;
using testing::Pointwise;

json Module(const std::string& type, const std::string& path) {
  return {
      {"idx", 0}, {"name", "0"}, {"path", path}, {"type", "sentence_transformers.models." + type}};
}

class SentenceTransformersTest : public testing::Test {
 protected:
  SentenceTransformersTest() {
    WriteTinyBert(folder_.path());
    Write("modules.json", modules_);
    std::filesystem::create_directory(folder_.path() / "1_Pooling");
    Write("1_Pooling/config.json", pooling_);
    Write("sentence_bert_config.json", {{"max_seq_length", 5}, {"do_lower_case", false}});
  }

  void Write(std::string_view name, const json& value) const {
    WriteFile(folder_.path() / name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  std::unique_ptr<const Model> Load() const {
    auto model = Model::Load(folder_.path());
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? *std::move(model) : nullptr;
  }
  std::string Error() const { return std::string(Model::Load(folder_.path()).status().message()); }
  std::string ErrorOfModules(const json& modules) const {
    Write("modules.json", modules);
    return Error();
  }
  std::string ErrorOfPooling(const json& change) const {
    json pooling = pooling_;
    pooling.update(change);
    Write("1_Pooling/config.json", pooling);
    return Error();
  }

  const json modules_ = {Module("Transformer", ""), Module("Pooling", "1_Pooling"),
                         Module("Normalize", "2_Normalize")};
  const json pooling_ = {{"word_embedding_dimension", 6},
                         {"pooling_mode_cls_token", true},
                         {"pooling_mode_mean_tokens", false},
                         {"pooling_mode_max_tokens", false}};
  const TempFolder folder_;
};

TEST_F(SentenceTransformersTest, TheFolderSaysHowTextsBecomeVectors) {
  const auto model = Load();
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().pooling, Pooling::kCls);
  EXPECT_TRUE(model->config().normalize);
  EXPECT_EQ(model->max_text_tokens(), 5);
  EXPECT_EQ(*model->tokenizer()->Encode("Play some JAZZY music"),
            (std::vector<std::int32_t>{2, 4, 5, 6, 7, 1, 3}));
}

TEST_F(SentenceTransformersTest, WithoutItsFilesItIsAPlainEncoder) {
  std::filesystem::remove(folder_.path() / "modules.json");
  const auto model = Load();
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().pooling, Pooling::kMean);
  EXPECT_FALSE(model->config().normalize);
  EXPECT_EQ(model->max_text_tokens(), 16);
}

TEST_F(SentenceTransformersTest, EveryFileThatCountsIsInTheDigest) {
  const std::string before = Load()->info().digest;
  ErrorOfPooling({{"pooling_mode_cls_token", false}, {"pooling_mode_max_tokens", true}});
  const std::string after = Load()->info().digest;
  EXPECT_NE(before, after);
  Write("sentence_bert_config.json", {{"max_seq_length", 6}});
  EXPECT_NE(Load()->info().digest, after);
}

// As docs/checkpoint.md lists them.
TEST_F(SentenceTransformersTest, TheDigestCountsEveryFileOnce) {
  Write("config_sentence_transformers.json", {{"prompts", {{"query", "query: "}}}});
  Write("tokenizer_config.json", json::object());
  std::vector<FileHash> files;
  for (const char* name :
       {"config.json", "model.safetensors", "modules.json", "1_Pooling/config.json",
        "sentence_bert_config.json", "config_sentence_transformers.json", "tokenizer_config.json",
        "vocab.txt"}) {
    files.push_back({name, Sha256Hex(ReadFile(folder_.path() / name))});
  }
  EXPECT_EQ(Load()->info().digest, Digest(files));
}

TEST_F(SentenceTransformersTest, OtherModulesAreRefused) {
  EXPECT_THAT(ErrorOfModules({modules_[0], modules_[1], Module("LSTM", "2_LSTM")}),
              AllOf(HasSubstr("modules.json: modules[2].type: expected"), HasSubstr("LSTM")));
  for (const json& modules :
       {json{modules_[1], modules_[0]}, json{modules_[0], modules_[2]},
        json{modules_[0], modules_[1], modules_[1]}, json{modules_[0], Module("Dense", "1_Dense")},
        json{modules_[0], modules_[1], modules_[2], Module("Dense", "3_Dense")},
        json{modules_[0], modules_[1], modules_[2], modules_[2]}}) {
    EXPECT_THAT(ErrorOfModules(modules), HasSubstr("in this order")) << modules;
  }
  EXPECT_THAT(ErrorOfModules({modules_[0], modules_[1], Module("Dense", "2_Dense")}),
              HasSubstr("2_Dense/config.json: missing, but modules.json names it"));
  EXPECT_THAT(ErrorOfModules({modules_[0], modules_[1], Module("Dense", "../Dense")}),
              HasSubstr("modules[2].path: expected the name of a folder"));
  EXPECT_THAT(ErrorOfModules(json::array({modules_[0]})), HasSubstr("modules.json: modules:"));
  EXPECT_THAT(ErrorOfModules({1, 2}), HasSubstr("modules[0]: expected an object"));
  EXPECT_THAT(ErrorOfModules(json::object()), HasSubstr("modules: expected an array"));
  EXPECT_THAT(ErrorOfModules({Module("Transformer", "0_Transformer"), modules_[1]}),
              HasSubstr("modules[0].path"));
  for (const char* path : {"..", "../other", "/etc", "", "a/b"}) {
    EXPECT_THAT(ErrorOfModules({modules_[0], Module("Pooling", path)}),
                HasSubstr("modules[1].path: expected the name of a folder"))
        << path;
  }
  EXPECT_THAT(ErrorOfModules({modules_[0], Module("Pooling", "1_Missing")}),
              HasSubstr("1_Missing/config.json: missing"));
  Write("modules.json", "[");
  EXPECT_THAT(Error(), HasSubstr("modules.json: expected JSON"));
}

TEST_F(SentenceTransformersTest, EveryPoolingOfOneKindIsRead) {
  const std::vector<std::pair<const char*, Pooling>> modes = {
      {"pooling_mode_cls_token", Pooling::kCls},
      {"pooling_mode_mean_tokens", Pooling::kMean},
      {"pooling_mode_max_tokens", Pooling::kMax},
      {"pooling_mode_mean_sqrt_len_tokens", Pooling::kMeanSqrtLen},
      {"pooling_mode_weightedmean_tokens", Pooling::kWeightedMean},
      {"pooling_mode_lasttoken", Pooling::kLastToken}};
  for (const auto& [mode, pooling] : modes) {
    json all;
    for (const auto& [other, unused] : modes) all[other] = other == std::string(mode);
    EXPECT_EQ(ErrorOfPooling(all), "") << mode;
    EXPECT_EQ(Load()->config().pooling, pooling) << mode;
  }
}

TEST_F(SentenceTransformersTest, OtherPoolingsAreRefused) {
  // Two at once would make a vector of twice the length.
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_mean_tokens", true}}),
              HasSubstr("expected one kind of pooling alone, found true"));
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_cls_token", false}}), HasSubstr("found none"));
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_attention", true}}),
              HasSubstr("pooling_mode_attention: expected false, as it is not known"));
  EXPECT_EQ(ErrorOfPooling({{"pooling_mode_attention", false}}), "");
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_cls_token", 1}}), HasSubstr("expected true or false"));
  EXPECT_THAT(ErrorOfPooling({{"word_embedding_dimension", 7}}),
              HasSubstr("word_embedding_dimension: expected hidden_size = 6, found 7"));
}

TEST_F(SentenceTransformersTest, AClassifierHasNoModules) {
  json config = json::parse(ReadFile(folder_.path() / "config.json"));
  config["architectures"] = {"BertForSequenceClassification"};
  Write("config.json", config);
  EXPECT_THAT(Error(), HasSubstr("modules.json: expected a folder whose config.json has no"));
}

// y = act(W x + b) behind the pooling, twice; the values were computed by hand.
class DenseTest : public SentenceTransformersTest {
 protected:
  DenseTest() {
    Write("modules.json", {modules_[0], modules_[1], Module("Dense", "2_Dense"),
                           Module("Dense", "3_Dense"), Module("Normalize", "4_Normalize")});
    for (const char* folder : {"2_Dense", "3_Dense"}) {
      std::filesystem::create_directory(folder_.path() / folder);
    }
    Write("2_Dense/config.json", first_);
    Write("3_Dense/config.json", second_);
    WriteTensors("2_Dense/model.safetensors",
                 {{"linear.weight", {{2, 6}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}},
                  {"linear.bias", {{2}, {0.5, -1}}}});
    WriteTensors("3_Dense/model.safetensors", {{"linear.weight", {{3, 2}, {1, 1, 1, -1, 0, 3}}}});
  }

  void WriteTensors(const char* file, const TestTensors& tensors) const {
    WriteFile(folder_.path() / file, SafetensorsBytes(tensors));
  }
  std::string ErrorOf(const char* file, json config, const char* key, const json& value) const {
    config[key] = value;
    Write(file, config);
    return Error();
  }

  const json first_ = {{"in_features", 6},
                       {"out_features", 2},
                       {"bias", true},
                       {"activation_function", "torch.nn.modules.activation.Tanh"}};
  const json second_ = {{"in_features", 2},
                        {"out_features", 3},
                        {"bias", false},
                        {"activation_function", "torch.nn.modules.activation.ReLU"}};
};

TEST_F(DenseTest, ComputesItsLayers) {
  const auto model = Load();
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().embedding_size(), 3);
  EXPECT_TRUE(model->config().normalize);
  const std::vector<float> pooled = {-0.25, 9, 9, 9, 9, 0.75};
  std::vector<float> vector(3);
  model->Embed(pooled, vector);
  // tanh(-0.25 + 0.5) = 0.244919, tanh(2 * 0.75 - 1) = 0.462117
  EXPECT_THAT(vector, Pointwise(FloatNear(1e-6F), {0.707036F, 0.0F, 1.386351F}));
}

TEST_F(DenseTest, CountsInTheDigest) {
  const std::string before = Load()->info().digest;
  WriteTensors("3_Dense/model.safetensors", {{"linear.weight", {{3, 2}, {1, 1, 1, -1, 0, 4}}}});
  EXPECT_NE(Load()->info().digest, before);
}

TEST_F(DenseTest, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(ErrorOf("2_Dense/config.json", first_, "in_features", 5),
              HasSubstr("2_Dense/config.json: in_features: expected 6, what comes in, found 5"));
  EXPECT_THAT(ErrorOf("2_Dense/config.json", first_, "activation_function", "mine.Swish"),
              HasSubstr("activation_function: expected \"torch.nn"));
  EXPECT_THAT(ErrorOf("2_Dense/config.json", first_, "module_input_name", "token_embeddings"),
              HasSubstr("module_input_name: expected \"sentence_embedding\""));
  EXPECT_THAT(ErrorOf("2_Dense/config.json", first_, "out_features", 3),
              HasSubstr("3_Dense/config.json: in_features: expected 3"));
  EXPECT_THAT(ErrorOf("2_Dense/config.json", first_, "bias", false),
              HasSubstr("2_Dense/model.safetensors: tensor \"linear.bias\" is unexpected"));
  Write("2_Dense/config.json", first_);
  EXPECT_THAT(ErrorOf("3_Dense/config.json", second_, "bias", true),
              HasSubstr("3_Dense/model.safetensors: tensor \"linear.bias\": missing"));
  EXPECT_THAT(ErrorOf("3_Dense/config.json", second_, "out_features", 4),
              HasSubstr("3_Dense/model.safetensors: tensor \"linear.weight\": expected shape "
                        "[4, 2], found [3, 2]"));
  Write("3_Dense/config.json", second_);
  std::filesystem::remove(folder_.path() / "3_Dense/model.safetensors");
  WriteFile(folder_.path() / "3_Dense/pytorch_model.bin", "PK");
  EXPECT_THAT(Error(), HasSubstr("3_Dense/model.safetensors: expected the tensors in this file, "
                                 "found pytorch_model.bin"));
}

TEST_F(SentenceTransformersTest, PromptsAreTheFolders) {
  Write("config_sentence_transformers.json",
        {{"prompts", {{"query", "query: "}, {"passage", ""}}}, {"default_prompt_name", nullptr}});
  auto model = Load();
  ASSERT_NE(model, nullptr);
  EXPECT_THAT(model->config().prompts, ElementsAre(Pair("passage", ""), Pair("query", "query: ")));
  EXPECT_FALSE(model->config().default_prompt_name);
  Write("config_sentence_transformers.json",
        {{"prompts", {{"query", "query: "}}}, {"default_prompt_name", "query"}});
  model = Load();
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->config().default_prompt_name, "query");
  EXPECT_THAT(ErrorOfPooling({{"include_prompt", false}}),
              HasSubstr("1_Pooling/config.json: include_prompt: expected true, for the folder"));
}

TEST_F(SentenceTransformersTest, PromptsThatAreNoneAreRefused) {
  const auto error = [this](const json& config) {
    Write("config_sentence_transformers.json", config);
    return Error();
  };
  EXPECT_THAT(error({{"default_prompt_name", "query"}}),
              HasSubstr("config_sentence_transformers.json: default_prompt_name: expected the name "
                        "of a prompt, found \"query\""));
  EXPECT_THAT(error({{"prompts", {"query: "}}}), HasSubstr("prompts: expected an object"));
  EXPECT_THAT(error({{"prompts", {{"query", 1}}}}),
              HasSubstr("prompts.query: expected a text of at most 4096 bytes, found 1"));
  EXPECT_THAT(error({{"prompts", {{"query", std::string(4097, 'a')}}}}),
              HasSubstr("prompts.query: expected a text of at most 4096 bytes"));
  EXPECT_THAT(error({{"prompts", {{"", "query: "}}}}), HasSubstr("names of 1 to 128 bytes"));
  json many;
  for (int i = 0; i < 257; ++i) many[std::to_string(i)] = "p";
  EXPECT_THAT(error({{"prompts", many}}), HasSubstr("an object of at most 256 prompts"));
}

TEST_F(SentenceTransformersTest, WhatWouldChangeATextIsRefused) {
  Write("sentence_bert_config.json", {{"do_lower_case", true}});
  EXPECT_THAT(Error(), HasSubstr("sentence_bert_config.json: do_lower_case: expected false"));
  Write("sentence_bert_config.json", {{"max_seq_length", 17}});
  EXPECT_THAT(Error(), HasSubstr("max_seq_length: expected an integer from 1 to 16, found 17"));
  Write("sentence_bert_config.json", {{"max_seq_length", 2}});
  EXPECT_THAT(Error(), HasSubstr("expected texts of more tokens than the 2 special ones"));
}

TEST_F(SentenceTransformersTest, TheVocabularyIsReadAsTokenizerConfigSays) {
  Write("tokenizer_config.json", {{"do_lower_case", false}, {"cls_token", {{"content", "[PAD]"}}}});
  EXPECT_EQ(*Load()->tokenizer()->Encode("Play some"), (std::vector<std::int32_t>{0, 1, 5, 3}));
  Write("tokenizer_config.json", {{"do_basic_tokenize", false}});
  EXPECT_THAT(Error(), HasSubstr("tokenizer_config.json: do_basic_tokenize: expected true"));
  Write("tokenizer_config.json", {{"never_split", {"play"}}});
  EXPECT_THAT(Error(), HasSubstr("never_split: expected nothing"));
  Write("tokenizer_config.json", {{"sep_token", "[EOS]"}});
  EXPECT_THAT(Error(), AllOf(HasSubstr("vocab.txt"), HasSubstr("[EOS]")));
  Write("tokenizer_config.json", {{"do_lower_case", "yes"}});
  EXPECT_THAT(Error(), HasSubstr("do_lower_case: expected true or false"));
}

}  // namespace
}  // namespace synth
