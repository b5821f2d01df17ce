#include "model/text/framing.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

namespace synth {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kCls = 101;
constexpr std::int32_t kSep = 102;

std::vector<Framing> AllFramings() {
  return {{kCls, kSep}, {kCls, std::nullopt}, {std::nullopt, kSep}, {std::nullopt, std::nullopt}};
}

Ids Body(int count) {
  Ids body(static_cast<std::size_t>(count));
  std::iota(body.begin(), body.end(), 0);
  return body;
}

TEST(Framing, Frames) {
  EXPECT_EQ(Framing(kCls, kSep).Frame({7, 8}), (Ids{kCls, 7, 8, kSep}));
  EXPECT_EQ(Framing(kCls, std::nullopt).Frame({7, 8}), (Ids{kCls, 7, 8}));
  EXPECT_EQ(Framing(std::nullopt, kSep).Frame({}), (Ids{kSep}));
  EXPECT_EQ(Framing(std::nullopt, std::nullopt).Frame({}), Ids());
}

TEST(Framing, TruncatingKeepsTheBeginAndTheSpecialTokens) {
  for (const Framing& framing : AllFramings()) {
    const int room = 3;
    Ids ids = framing.Frame(Body(5));
    EXPECT_TRUE(framing.Truncate(ids, room + framing.special_tokens()));
    EXPECT_EQ(ids, framing.Frame(Body(3)));
    EXPECT_FALSE(framing.Truncate(ids, room + framing.special_tokens()));
    EXPECT_EQ(ids, framing.Frame(Body(3)));
  }
}

// The contract of Tokenizer::Windows, for every length, room and overlap.
TEST(Framing, WindowsAreFullFramedFewAndOverlap) {
  for (const Framing& framing : AllFramings()) {
    for (int length = 1; length < 30; ++length) {
      for (int room = 1; room < 9; ++room) {
        for (int overlap = 0; overlap < room; ++overlap) {
          const auto windows = framing.Windows(framing.Frame(Body(length)),
                                               room + framing.special_tokens(), overlap);
          if (length <= room) {
            EXPECT_EQ(windows, std::vector<Ids>{framing.Frame(Body(length))});
            continue;
          }
          const int step = room - overlap;
          ASSERT_EQ(windows.size(),
                    static_cast<std::size_t>((length - room + step - 1) / step + 1));
          const std::size_t first = framing.Frame({0}).front() == kCls ? 1 : 0;
          int expected = 0;  // the body that the windows so far cover ends here
          for (const Ids& window : windows) {
            const int begin = window[first];
            Ids body(static_cast<std::size_t>(room));
            std::iota(body.begin(), body.end(), begin);
            EXPECT_EQ(window, framing.Frame(body));
            EXPECT_LE(begin, expected == 0 ? 0 : expected - overlap);
            expected = begin + room;
          }
          EXPECT_EQ(expected, length);
        }
      }
    }
  }
}

TEST(Framing, JoinsAPairAsBertDoes) {
  const TokenPair pair = Framing(kCls, kSep).Join({kCls, 7, 8, 9, kSep}, {kCls, 5, 6, kSep}, 10);
  EXPECT_EQ(pair.ids, (Ids{kCls, 7, 8, 9, kSep, 5, 6, kSep}));
  EXPECT_EQ(pair.first_segment, 5);
  EXPECT_EQ(pair.original_tokens, 8);

  const TokenPair without_cls = Framing(std::nullopt, kSep).Join({7, kSep}, {5, 6, kSep}, 10);
  EXPECT_EQ(without_cls.ids, (Ids{7, kSep, 5, 6, kSep}));
  EXPECT_EQ(without_cls.first_segment, 2);
}

TEST(Framing, JoinsAPairAsRobertaDoes) {
  const Framing roberta(kCls, kSep, Framing::Pairs::kTwoSeparators);
  const TokenPair pair = roberta.Join({kCls, 7, 8, kSep}, {kCls, 5, kSep}, 10);
  EXPECT_EQ(pair.ids, (Ids{kCls, 7, 8, kSep, kSep, 5, kSep}));
  EXPECT_EQ(pair.first_segment, 7) << "all of one type";
  EXPECT_EQ(roberta.pair_special_tokens(), 4);
}

TEST(Framing, KnowsWhoTakesNoPairs) {
  EXPECT_EQ(Framing(kCls, kSep).pair_special_tokens(), 3);
  EXPECT_EQ(Framing(kCls, std::nullopt).pair_special_tokens(), std::nullopt);
  EXPECT_EQ(Framing(kCls, kSep, Framing::Pairs::kNone).pair_special_tokens(), std::nullopt);
}

// What Hugging Face's tokenizers 0.23.3 keeps of two texts with "longest_first".
TEST(Framing, CutsTheLongerTextOfAPairFirst) {
  struct Case {
    int first, second, max_tokens, kept_of_first, kept_of_second;
  };
  const std::vector<Case> cases = {{3, 2, 8, 3, 2}, {3, 2, 7, 2, 2}, {8, 2, 9, 4, 2},
                                   {2, 8, 9, 2, 4}, {5, 5, 8, 2, 3}, {6, 5, 8, 3, 2},
                                   {5, 6, 8, 2, 3}, {8, 0, 6, 3, 0}, {0, 8, 6, 0, 3},
                                   {1, 8, 4, 0, 1}, {8, 1, 4, 1, 0}, {8, 8, 4, 0, 1}};
  const Framing framing(kCls, kSep);
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.first << " " << c.second << " " << c.max_tokens);
    const Ids first = framing.Frame(Body(c.first));
    const Ids second = framing.Frame(Body(c.second));
    const TokenPair pair = framing.Join(first, second, c.max_tokens);
    EXPECT_EQ(pair.ids, framing
                            .Join(framing.Frame(Body(c.kept_of_first)),
                                  framing.Frame(Body(c.kept_of_second)), 100)
                            .ids);
    EXPECT_EQ(pair.first_segment, c.kept_of_first + 2);
    EXPECT_EQ(pair.original_tokens, c.first + c.second + 3);
  }
}

}  // namespace
}  // namespace synth
