#ifndef SYNTH_MODEL_TEXT_ADDED_TOKENS_H_
#define SYNTH_MODEL_TEXT_ADDED_TOKENS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/text/characters.h"
#include "model/text/double_array.h"

namespace synth {

// A token that is found in a text before the text is split into words. Hugging Face's names.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool single_word = false;  // not beside a letter, a digit, a mark or "_"
  bool lstrip = false;       // takes the white space before it,
  bool rstrip = false;       // and behind it
  bool normalized = false;   // is looked for in the normalized text
};

// Finds tokens in a text: of those that begin at the same byte the longest, then on from its end.
// Constant after construction.
class AddedTokens {
 public:
  // The limit of AddedToken::content, because each byte of a text may begin a token.
  static constexpr std::size_t kMaxBytes = 256;

  // The contents are UTF-8, not empty, no two are the same, and none is longer than the limit.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // A part of a text that is no token, or a token's id.
  using Visit = absl::FunctionRef<void(std::string_view text, std::optional<std::int32_t> id)>;

  // Calls `visit` for the parts of `text`, which must be UTF-8, in their order. Takes time in
  // proportion to the text.
  void Split(std::string_view text, Visit visit) const;

 private:
  struct Match {
    std::size_t begin;
    std::size_t end;
    const AddedToken* token;  // null: there is none
  };
  Match Find(std::string_view text, std::size_t from) const;
  const AddedToken* Longest(std::string_view text) const;
  bool IsSingleWord(std::string_view text, const Match& match) const;
  bool Has(char32_t code, std::uint8_t property) const {
    return (characters_.Properties(code) & property) != 0;
  }

  const Characters& characters_;
  const std::vector<AddedToken> tokens_;
  const DoubleArray trie_;  // the values are places in tokens_
  std::array<bool, 256> begins_ = {};
  std::optional<char> only_first_;  // all tokens begin with this byte
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_ADDED_TOKENS_H_
