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

}  // namespace
}  // namespace synth
