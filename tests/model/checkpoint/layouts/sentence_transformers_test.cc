// Folders of sentence-transformers: pooling, length and normalization are the folder's, and what is
// not computed here is refused by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
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
using testing::HasSubstr;
using testing::Pair;

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
  EXPECT_THAT(ErrorOfModules({modules_[0], modules_[1], Module("Dense", "2_Dense")}),
              AllOf(HasSubstr("modules.json: modules[2].type: expected"), HasSubstr("Dense")));
  EXPECT_THAT(ErrorOfModules({modules_[1], modules_[0]}), HasSubstr("in this order"));
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

TEST_F(SentenceTransformersTest, OtherPoolingsAreRefused) {
  for (const char* mode : {"pooling_mode_mean_sqrt_len_tokens", "pooling_mode_lasttoken",
                           "pooling_mode_weightedmean_tokens"}) {
    EXPECT_THAT(ErrorOfPooling({{mode, true}}),
                HasSubstr(std::string("1_Pooling/config.json: ") + mode + ": expected mean, cls"));
  }
  // Two at once would make a vector of twice the length.
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_mean_tokens", true}}),
              HasSubstr("expected mean, cls or max pooling alone, found true"));
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_cls_token", false}}), HasSubstr("found none"));
  EXPECT_THAT(ErrorOfPooling({{"pooling_mode_cls_token", 1}}), HasSubstr("expected true or false"));
  EXPECT_THAT(ErrorOfPooling({{"word_embedding_dimension", 7}}),
              HasSubstr("word_embedding_dimension: expected hidden_size = 6, found 7"));
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
