#include "model/text/sentencepiece_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "synth/config.h"
#include "synth/tokenizer.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

using testing::HasSubstr;

const std::string& ModelBytes() {
  static const std::string bytes =
      ReadFile(paths::SourcePath("tests/golden/tokenized/tokenizer.model"));
  return bytes;
}

const TokenizerConfig kBoth = {"tokenizer.model", "<s>", "</s>"};
const TokenizerConfig kNone = {"tokenizer.model", std::nullopt, std::nullopt};

TEST(SentencePieceTokenizer, PutsSpecialTokensAround) {
  const auto both = LoadSentencePiece(kBoth, ModelBytes());
  const auto none = LoadSentencePiece(kNone, ModelBytes());
  ASSERT_TRUE(both.ok() && none.ok());
  const auto with = *(*both)->Encode("turn off the lights");
  const auto without = *(*none)->Encode("turn off the lights");
  ASSERT_EQ(with.size(), without.size() + 2);
  EXPECT_TRUE(std::equal(without.begin(), without.end(), with.begin() + 1));
  EXPECT_EQ((*both)->Piece(with.front()), "<s>");
  EXPECT_EQ((*both)->Piece(with.back()), "</s>");
  EXPECT_EQ(*(*both)->Encode(""), (std::vector<std::int32_t>{with.front(), with.back()}));
  EXPECT_TRUE((*none)->Encode("")->empty());
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(SentencePieceTokenizer, FailsTextsThatGrowTooMuch) {
  const auto tokenizer = LoadSentencePiece(kBoth, ModelBytes());
  ASSERT_TRUE(tokenizer.ok());
  // 18 characters of one, 33 bytes of 3; and 4 or 5 characters of one, 12 or 15 bytes of 3.
  for (const std::string_view grows : {"\uFDFA", "\u3300"}) {
    const auto ids = (*tokenizer)->Encode(Repeat(grows, 87'000));
    ASSERT_FALSE(ids.ok()) << grows;
    EXPECT_EQ(ids.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ids.status().message(),
              "the text grows from 261000 bytes to more than 522000, the limit, when it is "
              "normalized");
    EXPECT_TRUE((*tokenizer)->Encode(Repeat(grows, 1'000)).ok()) << grows;
  }
}

TEST(SentencePieceTokenizer, TakesLongTextsThatGrowLittle) {
  const auto tokenizer = LoadSentencePiece(kBoth, ModelBytes());
  ASSERT_TRUE(tokenizer.ok());
  for (const std::string_view text : {"turn off the lights ", "e\u0301\u0323", "\u0E19\u0E33",
                                      "\u00BD cup ", "\uFF76\uFF9E", "\U0001F600", " "}) {
    EXPECT_TRUE((*tokenizer)->Encode(Repeat(text, 260'000 / text.size())).ok()) << text;
  }
}

TEST(SentencePieceTokenizer, WindowsCoverEveryToken) {
  const auto both = LoadSentencePiece(kBoth, ModelBytes());
  const auto none = LoadSentencePiece(kNone, ModelBytes());
  ASSERT_TRUE(both.ok() && none.ok());
  for (const Tokenizer* tokenizer : {both->get(), none->get()}) {
    for (const std::size_t length : {11U, 12U, 20U, 21U, 28U, 97U}) {
      for (const int overlap : {0, 1, 3, 7}) {
        const auto special = static_cast<std::size_t>(tokenizer->special_tokens());
        std::vector<std::int32_t> ids = *tokenizer->Encode("");
        for (std::size_t i = 0; i < length; ++i)  // ids that say where they stand
          ids.insert(ids.end() - (special > 0 ? 1 : 0), static_cast<std::int32_t>(10 + i));
        const auto windows = tokenizer->Windows(ids, 10 + static_cast<int>(special), overlap);
        std::size_t next = 0;  // the first token that no window had
        for (const auto& window : windows) {
          ASSERT_EQ(window.size(), 10 + special);
          if (special > 0) {
            EXPECT_EQ(window.front(), ids.front());
            EXPECT_EQ(window.back(), ids.back());
          }
          const auto first = static_cast<std::size_t>(window[special > 0 ? 1 : 0] - 10);
          EXPECT_LE(first + (next == 0 ? 0U : static_cast<unsigned>(overlap)), next);
          next = first + 10;
        }
        EXPECT_EQ(next, length);
        const std::size_t step = 10 - static_cast<std::size_t>(overlap);
        EXPECT_EQ(windows.size(), 1 + (length - 10 + step - 1) / step) << "as few as can be";
      }
    }
    const auto whole = *tokenizer->Encode("turn off the lights");
    EXPECT_EQ(tokenizer->Windows(whole, static_cast<int>(whole.size()), 2),
              (std::vector<std::vector<std::int32_t>>{whole}));
  }
}

TEST(SentencePieceTokenizer, TextIsNeverASpecialToken) {
  const auto tokenizer = LoadSentencePiece(kBoth, ModelBytes());
  ASSERT_TRUE(tokenizer.ok());
  const auto ids = *(*tokenizer)->Encode("<s></s>");
  for (std::size_t i = 1; i + 1 < ids.size(); ++i) {
    EXPECT_NE(ids[i], ids.front());
    EXPECT_NE(ids[i], ids.back());
  }
}

TEST(SentencePieceTokenizer, RefusesWhatIsNotUtf8) {
  const auto tokenizer = LoadSentencePiece(kBoth, ModelBytes());
  ASSERT_TRUE(tokenizer.ok());
  const auto ids = (*tokenizer)->Encode("abc\xFF");
  EXPECT_TRUE(absl::IsInvalidArgument(ids.status()));
  EXPECT_THAT(std::string(ids.status().message()), HasSubstr("not UTF-8 at byte 3"));
}

TEST(SentencePieceTokenizer, LongText) {
  const auto tokenizer = LoadSentencePiece(kBoth, ModelBytes());
  ASSERT_TRUE(tokenizer.ok());
  const auto ids = (*tokenizer)->Encode(std::string(200'000, 'a'));
  ASSERT_TRUE(ids.ok());
  EXPECT_GT(ids->size(), 1000U);
}

TEST(SentencePieceTokenizer, TruncationKeepsSpecialTokens) {
  const auto both = LoadSentencePiece(kBoth, ModelBytes());
  const auto none = LoadSentencePiece(kNone, ModelBytes());
  ASSERT_TRUE(both.ok() && none.ok());
  std::vector<std::int32_t> ids = {1, 10, 11, 12, 2};
  EXPECT_FALSE((*both)->Truncate(ids, 5));
  EXPECT_TRUE((*both)->Truncate(ids, 4));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{1, 10, 11, 2}));
  EXPECT_TRUE((*both)->Truncate(ids, 3));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{1, 10, 2}));
  ids = {10, 11, 12};
  EXPECT_TRUE((*none)->Truncate(ids, 1));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{10}));
}

TEST(SentencePieceTokenizer, UnknownSpecialTokens) {
  const auto error = [](const TokenizerConfig& config) {
    return std::string(LoadSentencePiece(config, ModelBytes()).status().message());
  };
  EXPECT_THAT(error({"", "[CLS]", "</s>"}),
              HasSubstr("no piece \"[CLS]\", which config.json names as tokenizer.cls_token"));
  EXPECT_THAT(error({"", "<s>", "[SEP]"}), HasSubstr("tokenizer.sep_token"));
}

TEST(SentencePieceTokenizer, DamagedModelsAreErrorsAndSilent) {
  testing::internal::CaptureStderr();
  for (std::size_t size = 0; size < ModelBytes().size(); size += 4999) {
    const auto tokenizer = LoadSentencePiece(kBoth, std::string_view(ModelBytes()).substr(0, size));
    if (tokenizer.ok()) {
      EXPECT_TRUE((*tokenizer)->Encode("text").ok());
    } else {
      EXPECT_FALSE(tokenizer.status().message().empty());
    }
  }
  EXPECT_FALSE(LoadSentencePiece(kBoth, "").ok());
  EXPECT_FALSE(LoadSentencePiece(kBoth, "no protocol buffer").ok());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace synth
