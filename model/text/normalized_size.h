#ifndef SYNTH_MODEL_TEXT_NORMALIZED_SIZE_H_
#define SYNTH_MODEL_TEXT_NORMALIZED_SIZE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace synth {

// Tells how long a text gets when SentencePiece normalizes it, without doing so. NFKC makes 33
// bytes of U+FDFA, which has 3, and it is the longer text that costs time and memory.
//
// Reads the rules (precompiled_charsmap: a Darts trie, and the replacements) out of the model.
// Constant after construction.
class NormalizedSize {
 public:
  // From the bytes of a SentencePiece model. Whatever cannot be read counts as no rules.
  explicit NormalizedSize(std::string_view model);

  // Bytes of `text` after normalization, before spaces become SentencePiece's own mark; a number
  // above `limit` as soon as they are more. An upper bound: spaces at the ends, which are removed,
  // count.
  std::size_t Count(std::string_view text, std::size_t limit) const;

  // Bytes that Count can find for each byte of a text, at most. 1 or more.
  std::size_t max_growth() const { return max_growth_; }

 private:
  // The longest rule that `text` begins with: the bytes that it takes (0 if there is none) and
  // those that it puts in their place.
  struct Rule {
    std::size_t taken = 0;
    std::size_t put = 0;
  };
  Rule Longest(std::string_view text) const;
  std::size_t ReplacementSize(std::size_t offset) const;

  std::vector<std::uint32_t> trie_;
  std::string replacements_;  // each ends with a zero byte
  std::size_t max_growth_ = 1;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_NORMALIZED_SIZE_H_
