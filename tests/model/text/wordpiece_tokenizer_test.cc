#include "model/text/wordpiece_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/tokenizer_json.h"
#include "synth/tokenizer.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// Made by wordpiece/make_golden.py.
std::string GoldenFile(std::string_view name) {
  return ReadFile(paths::SourcePath("tests/model/text/wordpiece") / name);
}

std::unique_ptr<const Tokenizer> Load(const WordPieceConfig& config = {}) {
  auto tokenizer = LoadWordPiece(config, GoldenFile("vocab.txt"));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

std::vector<std::string> Pieces(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> pieces;
  const auto ids = tokenizer.Encode(text);
  EXPECT_TRUE(ids.ok()) << ids.status();
  for (const std::int32_t id : *ids) pieces.emplace_back(tokenizer.Piece(id));
  return pieces;
}

void ExpectGolden(const Tokenizer& tokenizer, const std::string& name) {
  const json cases = json::parse(GoldenFile("golden.json")).at(name);
  EXPECT_GE(cases.size(), 40U);
  for (const json& example : cases) {
    const auto text = example.at("text").get<std::string>();
    const auto ids = tokenizer.Encode(text);
    ASSERT_TRUE(ids.ok()) << text << ids.status();
    EXPECT_EQ(*ids, example.at("ids").get<std::vector<std::int32_t>>()) << text;
  }
}

TEST(WordPieceTokenizer, GivesTheIdsOfHuggingFace) {
  for (const std::string name : {"uncased.json", "cased.json", "spaces.json"}) {
    const auto tokenizer = LoadTokenizerJson(GoldenFile(name));
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    ExpectGolden(**tokenizer, name);
  }
}

TEST(WordPieceTokenizer, VocabularyAloneGivesThemToo) { ExpectGolden(*Load(), "uncased.json"); }

TEST(WordPieceTokenizer, FollowsItsConfig) {
  WordPieceConfig config;
  config.normalizer = {.clean_text = false,
                       .handle_chinese_chars = false,
                       .strip_accents = false,
                       .lowercase = true};
  config.max_input_chars_per_word = 4;
  config.special_tokens = {"play"};
  const auto tokenizer = Load(config);
  EXPECT_THAT(Pieces(*tokenizer, "CAF\u00C9 cafe hello"),
              ElementsAre("[CLS]", "caf\u00E9", "cafe", "[UNK]", "[SEP]"));
  EXPECT_THAT(Pieces(*tokenizer, "xplayx [MASK]"),
              ElementsAre("[CLS]", "x", "play", "x", "[", "[UNK]", "]", "[SEP]"));
  EXPECT_THAT(Pieces(*tokenizer, "\u65E5\u672C a\u00ADb"),
              ElementsAre("[CLS]", "\u65E5", "##\u672C", "[UNK]", "[SEP]"));
}

TEST(WordPieceTokenizer, TellsItsPieces) {
  const auto tokenizer = LoadTokenizerJson(GoldenFile("cased.json"));
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ((*tokenizer)->special_tokens(), 2);
  EXPECT_EQ((*tokenizer)->Piece(0), "[PAD]");
  EXPECT_EQ((*tokenizer)->Piece((*tokenizer)->vocab_size() - 1), "CAF\u00C9 NOIR");
  const auto uncased = Load();
  EXPECT_LT(uncased->vocab_size(), (*tokenizer)->vocab_size());
}

TEST(WordPieceTokenizer, FramesTruncatesAndSplits) {
  const auto tokenizer = Load();
  std::vector<std::int32_t> ids = *tokenizer->Encode("turn off the lights");
  const std::vector<std::int32_t> empty = *tokenizer->Encode("");
  ASSERT_EQ(empty.size(), 2U);
  EXPECT_EQ(tokenizer->Windows(ids, 4, 0).size(), 2U);
  EXPECT_TRUE(tokenizer->Truncate(ids, 4));
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(ids.front(), empty.front());
  EXPECT_EQ(ids.back(), empty.back());
}

TEST(WordPieceTokenizer, RefusesWhatIsNotUtf8) {
  for (const std::string_view text : {"abc\xFF", "abc\xED\xA0\x80", "abc\xC3", "abc\xC0\x80 d"}) {
    const auto ids = Load()->Encode(text);
    EXPECT_TRUE(absl::IsInvalidArgument(ids.status()));
    EXPECT_EQ(ids.status().message(), "the text is not UTF-8 at byte 3");
  }
}

std::string Repeat(std::string_view text, std::size_t bytes) {
  std::string repeated;
  while (repeated.size() < bytes) repeated += text;
  return repeated;
}

// The time is generous for a sanitizer's build; what is not linear would take hours.
TEST(WordPieceTokenizer, TakesLinearTime) {
  const auto tokenizer = LoadTokenizerJson(GoldenFile("cased.json"));
  const auto uncased = Load();
  ASSERT_TRUE(tokenizer.ok());
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string_view text : {"a",
                                      "\u0301",
                                      "\u0301\u0323\u0334",
                                      "\u302E\U0001D16D\U0001D165",
                                      "\u65E5",
                                      "!",
                                      " ",
                                      "[",
                                      "[SEP",
                                      "[SEP]",
                                      "<both>   ",
                                      "   <left>",
                                      "<both",
                                      "ab",
                                      "\u1E69\u0344",
                                      "\uD55C",
                                      "\U0001D160",
                                      "\u0390",
                                      "\uF900",
                                      "\x01",
                                      "caf\u00E9 noi"}) {
    const std::string longer = Repeat(text, 1'000'000);
    EXPECT_TRUE((*tokenizer)->Encode(longer).ok());
    EXPECT_TRUE(uncased->Encode(longer).ok());
    EXPECT_TRUE(uncased->Encode("a" + longer).ok());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(120));
}

TEST(WordPieceTokenizer, CountsCharactersOfAWord) {
  const auto tokenizer = Load({.normalizer = {.strip_accents = false}});
  EXPECT_EQ(tokenizer->Encode(Repeat("\u00E9", 200))->size(), 102U);
  EXPECT_THAT(Pieces(*tokenizer, Repeat("\u00E9", 202)), ElementsAre("[CLS]", "[UNK]", "[SEP]"));
}

std::string VocabularyError(std::string_view vocabulary) {
  const auto tokenizer = LoadWordPiece({}, vocabulary);
  EXPECT_TRUE(absl::IsInvalidArgument(tokenizer.status())) << vocabulary.substr(0, 80);
  return std::string(tokenizer.status().message());
}

TEST(VocabTxt, EndsOfLines) {
  const std::string lines = "[UNK]\n[CLS]\n[SEP]\na\n##b \t\n";
  std::string crlf;
  for (const char c : lines) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& text : {lines, crlf, lines.substr(0, lines.size() - 1)}) {
    const auto tokenizer = LoadWordPiece({}, text);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    EXPECT_EQ((*tokenizer)->vocab_size(), 5);
    EXPECT_THAT(*(*tokenizer)->Encode("ab"), ElementsAre(1, 3, 4, 2));
  }
}

TEST(VocabTxt, BrokenFiles) {
  EXPECT_EQ(VocabularyError(""), "the vocabulary is empty");
  EXPECT_EQ(VocabularyError("[CLS]\n[SEP]\na\n"),
            "the vocabulary has no piece \"[UNK]\", the unk_token");
  EXPECT_EQ(VocabularyError("[UNK]\n[SEP]\na\n"),
            "the vocabulary has no piece \"[CLS]\", the cls_token");
  EXPECT_EQ(VocabularyError("[UNK]\n[CLS]\na\n"),
            "the vocabulary has no piece \"[SEP]\", the sep_token");
  EXPECT_EQ(VocabularyError("[UNK]\n[CLS]\na\n[SEP]\na\t\r\n"),
            "lines 3 and 5 of the vocabulary are the same piece, \"a\"");
  EXPECT_EQ(VocabularyError("[UNK]\n\n[CLS]\n[SEP]\n"), "line 2 of the vocabulary is empty");
  EXPECT_EQ(VocabularyError("[UNK]\n[CLS]\n\xFE\n[SEP]\n"),
            "the vocabulary is not UTF-8 at byte 12");
  EXPECT_THAT(VocabularyError(std::string(kMaxVocabBytes + 1, 'a')),
              HasSubstr("67108865 bytes, which are more than 67108864"));
  EXPECT_THAT(VocabularyError(Repeat("\u00E9", 1000) + "\n" + Repeat("\u00E9", 1000)),
              HasSubstr("same piece, \"" + Repeat("\u00E9", 80) + "...\""));
}

}  // namespace
}  // namespace synth
