#ifndef SYNTH_TOKENIZER_H_
#define SYNTH_TOKENIZER_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synth {

// Two texts in one sequence of tokens.
struct TokenPair {
  std::vector<std::int32_t> ids;
  int first_segment = 0;    // how many tokens have type 0 (PackedTokens::first_segments)
  int original_tokens = 0;  // before the texts were shortened
};

// Turns text into token ids. A Model has one if its checkpoint does:
//
//   const synth::Tokenizer& tokenizer = *model.tokenizer();
//   auto ids = tokenizer.Encode("play some jazz");            // <s> play some jazz </s>
//   tokenizer.Truncate(*ids, model.max_text_tokens());        // still ends with </s>
//
// A tokenizer does not change after load: every function may be called from any number of threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // The ids of `text`, with the model's special tokens around them. Never truncates. A text without
  // any piece gives the special tokens alone, which may be none. INVALID_ARGUMENT if the text is
  // not UTF-8; the message says at which byte.
  virtual absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text) const = 0;

  // The piece of an id in [0, vocab_size()).
  virtual std::string_view Piece(std::int32_t id) const = 0;

  virtual int vocab_size() const = 0;

  // Shortens `ids`, which Encode gave, to `max_tokens` and keeps the special tokens at both ends.
  // Returns false if they were short enough. max_tokens > special_tokens().
  virtual bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const = 0;

  // Splits `ids`, which Encode gave, into windows of exactly max_tokens, each with the special
  // tokens at both ends; or gives `ids` alone if they are short enough. Neighbours share at least
  // `overlap` tokens. There are as few windows as that allows, and they begin at even distances.
  // 0 <= overlap < max_tokens - special_tokens().
  virtual std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                         int max_tokens, int overlap) const = 0;

  // Two texts as one, from the ids that Encode gave for each: with the special tokens around and
  // between them that the model was trained with, and not more than `max_tokens`. The longer text
  // is shortened until both are of the same length, then both are ("longest_first" of Hugging
  // Face's tokenizers). max_tokens > pair_special_tokens().
  virtual TokenPair Join(const std::vector<std::int32_t>& first,
                         const std::vector<std::int32_t>& second, int max_tokens) const = 0;

  // How many special tokens Join puts around and between two texts; nothing if the tokenizer has
  // none that stands between texts, and pairs are not for this model.
  virtual std::optional<int> pair_special_tokens() const = 0;

  // How many special tokens Encode puts around a text.
  virtual int special_tokens() const = 0;
};

}  // namespace synth

#endif  // SYNTH_TOKENIZER_H_
