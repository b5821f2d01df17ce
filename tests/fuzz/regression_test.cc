// Runs a fuzz target over its corpus and over mutations of it, the same ones each time.
// SYNTH_FUZZ_FUNCTION is the target, SYNTH_FUZZ_NAME its folder below corpus/.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/paths.h"

int SYNTH_FUZZ_FUNCTION(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr int kMutations = 5000;

std::vector<Bytes> ReadCorpus() {
  const fs::path folder = synth::paths::SourcePath("tests/fuzz/corpus") / SYNTH_FUZZ_NAME;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<Bytes> corpus;
  for (const fs::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& corpus) : corpus_(corpus) {}

  Bytes Next() {
    Bytes input = corpus_[Below(corpus_.size())];
    const std::size_t changes = 1 + Below(4);
    for (std::size_t i = 0; i < changes; ++i) Change(input);
    return input;
  }

 private:
  std::size_t Below(std::size_t limit) { return generator_() % std::max<std::size_t>(limit, 1); }
  std::ptrdiff_t Position(const Bytes& input) {
    return static_cast<std::ptrdiff_t>(Below(input.size()));
  }

  void Change(Bytes& input) {
    static constexpr std::uint8_t kSpecial[] = {0,    1,    '"',  '[',  ']', '{', '}',
                                                '-',  '9',  '.',  'e',  ',', ':', '\\',
                                                0x7F, 0x80, 0xC0, 0xED, 0xFF};
    const std::uint8_t special = kSpecial[Below(std::size(kSpecial))];
    if (input.empty()) return input.push_back(special);
    const std::ptrdiff_t at = Position(input);
    const auto here = input.begin() + at;
    switch (Below(7)) {
      case 0:
        *here ^= static_cast<std::uint8_t>(1U << Below(8));
        break;
      case 1:
        *here = special;
        break;
      case 2:
        input.insert(here, special);
        break;
      case 3:
        input.erase(here, here + std::min<std::ptrdiff_t>(input.end() - here, 8));
        break;
      case 4:
        input.resize(static_cast<std::size_t>(at));
        break;
      case 5: {  // repeat a piece
        const Bytes piece(here, here + std::min<std::ptrdiff_t>(input.end() - here, 40));
        input.insert(here, piece.begin(), piece.end());
        break;
      }
      default: {  // go on as another input
        const Bytes& other = corpus_[Below(corpus_.size())];
        input.resize(static_cast<std::size_t>(at));
        if (!other.empty()) input.insert(input.end(), other.begin() + Position(other), other.end());
      }
    }
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937 generator_{1};
};

TEST(SYNTH_FUZZ_FUNCTION, Corpus) {
  const std::vector<Bytes> corpus = ReadCorpus();
  ASSERT_FALSE(corpus.empty());
  for (const Bytes& input : corpus) SYNTH_FUZZ_FUNCTION(input.data(), input.size());
  SYNTH_FUZZ_FUNCTION(nullptr, 0);
}

TEST(SYNTH_FUZZ_FUNCTION, Mutations) {
  const std::vector<Bytes> corpus = ReadCorpus();
  ASSERT_FALSE(corpus.empty());
  Mutator mutator(corpus);
  for (int i = 0; i < kMutations; ++i) {
    const Bytes input = mutator.Next();
    SYNTH_FUZZ_FUNCTION(input.data(), input.size());
  }
}

}  // namespace
