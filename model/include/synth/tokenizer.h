#ifndef SYNTH_TOKENIZER_H_
#define SYNTH_TOKENIZER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synth {

// Text to token ids. Immutable after load: every function may be called from any number of threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // The ids of `text` with the model's special tokens around it. The text must be UTF-8
  // (INVALID_ARGUMENT says where it is not). Never truncates; a text without any piece gives the
  // special tokens alone, which may be none.
  virtual absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text) const = 0;

  // The piece of an id in [0, vocab_size()).
  virtual std::string_view Piece(std::int32_t id) const = 0;

  virtual int vocab_size() const = 0;

  // Shortens `ids` to `max_tokens` and keeps the special tokens at both ends; false where it was
  // short enough already. max_tokens must hold the special tokens and one more.
  virtual bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const = 0;

  // Windows of `ids` with max_tokens each, the special tokens at both ends of each included; `ids`
  // alone where it is short enough. They are as few as can be with `overlap` or more tokens in
  // common with the next, and begin at even distances, so that all of them are full. 0 <= overlap <
  // max_tokens - special_tokens().
  virtual std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                         int max_tokens, int overlap) const = 0;

  // How many special tokens Encode puts around a text.
  virtual int special_tokens() const = 0;
};

}  // namespace synth

#endif  // SYNTH_TOKENIZER_H_
