#include "model/text/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class TokenizerJson : public testing::Test {
 protected:
  std::string Error() const {
    const auto tokenizer = LoadTokenizerJson(file_.dump());
    return tokenizer.ok() ? "none" : std::string(tokenizer.status().message());
  }
  json Token(const std::string& content, int id) const {
    json token = file_["added_tokens"][0];
    token["content"] = content;
    token["id"] = id;
    return token;
  }
  int Size() const { return static_cast<int>(file_["model"]["vocab"].size()); }

  json file_ = json::parse(ReadFile(paths::SourcePath("tests/model/text/wordpiece/uncased.json")));
};

TEST_F(TokenizerJson, WhatIsNotReadMayBeAnything) {
  file_["truncation"] = {{"max_length", 128}};
  file_["padding"] = {{"strategy", {{"Fixed", 128}}}};
  file_["decoder"] = {{"type", "ByteLevel"}};
  EXPECT_EQ(Error(), "none");
  file_["model"].erase("type");  // as in files of 2020
  file_["post_processor"] = nullptr;
  file_["normalizer"].erase("strip_accents");
  EXPECT_EQ(Error(), "none");
}

TEST_F(TokenizerJson, TakesPairsIfItsTemplateIsBerts) {
  const auto special = [this] {
    const auto tokenizer = LoadTokenizerJson(file_.dump());
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    return (*tokenizer)->pair_special_tokens();
  };
  const auto text = [](const char* id, int type) {
    return json{{"Sequence", {{"id", id}, {"type_id", type}}}};
  };
  const auto token = [](const char* id, int type) {
    return json{{"SpecialToken", {{"id", id}, {"type_id", type}}}};
  };
  file_["post_processor"]["pair"] = {token("[CLS]", 0), text("A", 0), token("[SEP]", 0),
                                     text("B", 1), token("[SEP]", 1)};
  EXPECT_EQ(special(), 3);
  for (const json& other : {json::array({text("A", 0), text("B", 1)}),
                            json::array({token("[CLS]", 0), text("A", 0), token("[SEP]", 0),
                                         text("B", 0), token("[SEP]", 0)}),
                            json()}) {
    file_["post_processor"]["pair"] = other;
    EXPECT_EQ(special(), std::nullopt) << other;
  }
  file_["post_processor"] = nullptr;
  EXPECT_EQ(special(), std::nullopt);
}

TEST_F(TokenizerJson, RefusesOtherTokenizersByName) {
  json whole = file_;
  file_["model"]["type"] = "BPE";
  EXPECT_EQ(Error(), "model.type: expected WordPiece, found \"BPE\"");
  file_ = whole;
  file_["normalizer"] = {{"type", "Sequence"}, {"normalizers", json::array()}};
  EXPECT_EQ(Error(), "normalizer.type: expected BertNormalizer, found \"Sequence\"");
  file_["normalizer"] = nullptr;
  EXPECT_EQ(Error(), "normalizer: expected an object of type BertNormalizer, found null");
  file_ = whole;
  file_["pre_tokenizer"]["type"] = "Whitespace";
  EXPECT_EQ(Error(), "pre_tokenizer.type: expected BertPreTokenizer, found \"Whitespace\"");
  file_ = whole;
  file_["post_processor"]["type"] = "RobertaProcessing";
  EXPECT_THAT(Error(), HasSubstr("post_processor.type: expected TemplateProcessing, found "
                                 "\"RobertaProcessing\""));
}

TEST_F(TokenizerJson, RefusesKeysThatItDoesNotKnow) {
  const json whole = file_;
  for (const char* key : {"", "/model", "/normalizer", "/pre_tokenizer", "/post_processor",
                          "/added_tokens/0", "/post_processor/special_tokens/[CLS]"}) {
    file_ = whole;
    file_[json::json_pointer(key)]["dropout"] = 1;
    EXPECT_THAT(Error(), HasSubstr("the key \"dropout\" is not understood")) << key;
  }
}

TEST_F(TokenizerJson, RefusesWrongTypesAndMissingKeys) {
  const json whole = file_;
  for (const char* key :
       {"/version", "/normalizer/clean_text", "/normalizer/lowercase",
        "/normalizer/handle_chinese_chars", "/pre_tokenizer/type", "/model/unk_token",
        "/model/continuing_subword_prefix", "/model/max_input_chars_per_word", "/model/vocab",
        "/added_tokens/0/id", "/added_tokens/0/content", "/added_tokens/0/lstrip",
        "/added_tokens/0/special", "/post_processor/single", "/post_processor/special_tokens",
        "/post_processor/special_tokens/[SEP]/ids", "/post_processor/single/0/SpecialToken/id"}) {
    const json::json_pointer pointer(key);
    file_ = whole;
    file_[pointer] = -1;
    EXPECT_NE(Error(), "none") << key;
    file_ = whole;
    file_[pointer.parent_pointer()].erase(pointer.back());
    EXPECT_NE(Error(), "none") << key;
  }
  EXPECT_THAT(std::string(LoadTokenizerJson("{").status().message()), HasSubstr("expected JSON"));
  EXPECT_THAT(std::string(LoadTokenizerJson("[]").status().message()),
              HasSubstr("tokenizer.json: expected an object, found []"));
  EXPECT_THAT(std::string(LoadTokenizerJson(R"({"a": 1, "a": 2})").status().message()),
              HasSubstr("the key \"a\" is there twice"));
}

TEST_F(TokenizerJson, RefusesBrokenVocabularies) {
  const json whole = file_;
  file_["model"]["vocab"]["a"] = Size();
  EXPECT_THAT(Error(), HasSubstr("model.vocab[\"a\"]: expected an id below"));
  file_["model"]["vocab"]["a"] = 0;
  EXPECT_THAT(Error(), HasSubstr("the id 0 is also that of"));
  file_["model"]["vocab"] = json::object();
  EXPECT_EQ(Error(), "model.vocab: has no pieces");
  file_ = whole;
  file_["model"]["unk_token"] = "<unk>";
  EXPECT_EQ(Error(), "model.vocab: has no piece \"<unk>\", the unk_token");
}

TEST_F(TokenizerJson, RefusesAddedTokensThatCannotBe) {
  const json whole = file_;
  file_["added_tokens"].push_back(Token("<new>", Size() + 1));
  EXPECT_EQ(Error(), "added_tokens[5].id: expected " + std::to_string(Size()) +
                         " for \"<new>\", found " + std::to_string(Size() + 1));
  file_ = whole;
  file_["added_tokens"][1]["id"] = 2;
  EXPECT_EQ(Error(), "added_tokens[1].id: expected 1 for \"[UNK]\", found 2");
  file_ = whole;
  file_["added_tokens"].push_back(Token("", Size()));
  EXPECT_EQ(Error(), "the added token \"\" is empty");
  file_["added_tokens"][5] = Token(std::string(257, 'x'), Size());
  EXPECT_THAT(Error(), HasSubstr("is longer than 256 bytes"));
  file_["added_tokens"][5] = Token("[UNK]", 1);
  EXPECT_EQ(Error(), "the added token \"[UNK]\" is there twice");
  file_["added_tokens"][5] = Token("<NEW>", Size());
  file_["added_tokens"].push_back(Token("<new>", Size() + 1));
  EXPECT_EQ(Error(), "none");
  file_["added_tokens"][5]["normalized"] = true;
  file_["added_tokens"][6]["normalized"] = true;
  EXPECT_EQ(Error(), "the added token \"<new>\" is there twice when it is normalized");
  file_["added_tokens"].erase(6);
  file_["added_tokens"][5] = Token("\u0301", Size());
  file_["added_tokens"][5]["normalized"] = true;
  EXPECT_EQ(Error(), "the added token \"\u0301\" has nothing left when it is normalized");
}

TEST_F(TokenizerJson, RefusesTemplatesThatFramingCannotDo) {
  const json whole = file_;
  json& single = file_["post_processor"]["single"];
  single.push_back(single[0]);
  EXPECT_THAT(Error(), HasSubstr("post_processor.single[3]: expected one SpecialToken"));
  single.erase(3);
  single[1]["Sequence"]["id"] = "B";
  EXPECT_THAT(Error(), HasSubstr("post_processor.single[1]"));
  single.erase(1);
  EXPECT_THAT(Error(), HasSubstr("post_processor.single[1]"));
  single = json::array();
  EXPECT_EQ(Error(), "post_processor.single: expected Sequence A, found []");
  file_ = whole;
  file_["post_processor"]["single"][0]["SpecialToken"]["type_id"] = 1;
  EXPECT_EQ(Error(), "post_processor.single[0].SpecialToken.type_id: expected 0, found 1");
  file_ = whole;
  file_["post_processor"]["special_tokens"]["[CLS]"]["ids"] = {3};
  EXPECT_THAT(Error(), HasSubstr("\"[CLS]\" has not the id 3"));
  file_["post_processor"]["special_tokens"]["[CLS]"]["ids"] = {2, 2};
  EXPECT_THAT(Error(), HasSubstr("expected one id, found [2,2]"));
}

TEST_F(TokenizerJson, FramesWithOneTokenOrNone) {
  json& single = file_["post_processor"]["single"];
  single.erase(2);
  const auto front = LoadTokenizerJson(file_.dump());
  single.erase(0);
  const auto none = LoadTokenizerJson(file_.dump());
  ASSERT_TRUE(front.ok() && none.ok());
  EXPECT_EQ((*front)->special_tokens(), 1);
  EXPECT_EQ((*front)->Encode("")->size(), 1U);
  EXPECT_EQ((*none)->special_tokens(), 0);
  EXPECT_TRUE((*none)->Encode("")->empty());
}

}  // namespace
}  // namespace synth
