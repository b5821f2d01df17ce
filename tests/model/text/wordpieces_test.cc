#include "model/text/wordpieces.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace synth {
namespace {

using Ids = std::vector<std::int32_t>;

// The definition: from left to right, the longest piece.
std::optional<Ids> Naive(const std::vector<std::string>& pieces, std::string_view prefix,
                         std::string_view word) {
  Ids ids;
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string_view piece = pieces[i];
      if (begin > 0) {
        if (!piece.starts_with(prefix)) continue;
        piece.remove_prefix(prefix.size());
      }
      if (piece.size() <= best || !word.substr(begin).starts_with(piece)) continue;
      if (best == 0) ids.push_back(0);
      ids.back() = static_cast<std::int32_t>(i);
      best = piece.size();
    }
    if (best == 0) return std::nullopt;
    begin += best;
  }
  return ids;
}

std::string RandomWord(std::mt19937& random, std::string_view letters, std::size_t max_size) {
  std::string word;
  for (std::size_t size = 1 + random() % max_size; word.size() < size;)
    word += letters[random() % letters.size()];
  return word;
}

TEST(WordPieces, FindsWhatTheDefinitionFinds) {
  std::mt19937 random(1);
  int covered = 0;
  int uncovered = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string prefix = std::vector<std::string>{"##", "", "a", "_b"}[random() % 4];
    const std::string letters = random() % 2 == 0 ? "ab" : "abc_#\xFF";
    std::set<std::string> chosen;
    for (std::size_t size = 1 + random() % 40; chosen.size() < size && chosen.size() < 30;) {
      const std::string piece = RandomWord(random, letters, 6);
      chosen.insert(random() % 2 == 0 ? piece : prefix + piece);
    }
    const std::vector<std::string> pieces(chosen.begin(), chosen.end());
    const WordPieces wordpieces(pieces, prefix);
    for (int i = 0; i < 100; ++i) {
      const std::string word = RandomWord(random, letters, 14);
      Ids ids = {-7};
      const bool ok = wordpieces.Append(word, ids);
      const std::optional<Ids> expected = Naive(pieces, prefix, word);
      ASSERT_EQ(ok, expected.has_value()) << word;
      ASSERT_EQ(ids.front(), -7);
      ids.erase(ids.begin());
      ASSERT_EQ(ids, expected.value_or(Ids{})) << word;
      ++(ok ? covered : uncovered);
    }
  }
  EXPECT_GT(covered, 1000);
  EXPECT_GT(uncovered, 1000);
}

TEST(WordPieces, NeverGoesBackFar) {
  // A word that begins a long piece at each byte and never ends it: going back each time would take
  // 10^10 steps.
  const std::size_t size = 100'000;
  const WordPieces wordpieces({"a", "##a", "##" + std::string(size, 'a') + "b"}, "##");
  Ids ids;
  ASSERT_TRUE(wordpieces.Append(std::string(size, 'a'), ids));
  EXPECT_EQ(ids.size(), size);
  EXPECT_EQ(ids.front(), 0);
  EXPECT_EQ(ids.back(), 1);
}

TEST(WordPieces, HasNoPiecesForAWord) {
  for (const std::vector<std::string>& pieces :
       {std::vector<std::string>{}, {"##a"}, {"ab"}, {""}, {"##"}}) {
    Ids ids;
    EXPECT_FALSE(WordPieces(pieces, "##").Append("a", ids));
    EXPECT_TRUE(ids.empty());
  }
}

}  // namespace
}  // namespace synth
