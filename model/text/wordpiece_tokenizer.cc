#include "model/text/wordpiece_tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/strings.h"
#include "model/text/added_tokens.h"
#include "model/text/bert_normalizer.h"
#include "model/text/characters.h"
#include "model/text/framing.h"
#include "model/text/utf8_characters.h"
#include "model/text/wordpiece_parts.h"
#include "model/text/wordpieces.h"
#include "synth/utf8.h"

namespace synth {
namespace {

class WordPieceTokenizer final : public Tokenizer {
 public:
  WordPieceTokenizer(WordPieceParts parts, BertNormalizer normalizer,
                     std::vector<AddedToken> as_they_stand, std::vector<AddedToken> normalized)
      : characters_(Characters::Get()),
        normalizer_(normalizer),
        as_they_stand_(std::move(as_they_stand)),
        normalized_(std::move(normalized)),
        wordpieces_(parts.pieces, parts.continuing_subword_prefix),
        unk_(parts.unk),
        max_input_chars_per_word_(parts.max_input_chars_per_word),
        framing_(parts.cls, parts.sep, parts.pairs),
        pieces_(std::move(parts.pieces)) {
    for (const AddedToken& token : parts.added_tokens) {
      const auto id = static_cast<std::size_t>(token.id);
      if (id >= pieces_.size()) pieces_.resize(id + 1);
      pieces_[id] = token.content;
    }
    for (std::size_t i = 0; i < ascii_.size(); ++i) ascii_[i] = PartOf(static_cast<char32_t>(i));
  }

  absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text) const override {
    if (const std::optional<std::size_t> bad = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(Cat("the text is not UTF-8 at byte ", *bad));
    }
    std::vector<std::int32_t> body;
    body.reserve(text.size() / kBytesPerToken);
    std::string buffer;
    as_they_stand_.Split(text, [&](std::string_view part, std::optional<std::int32_t> id) {
      if (id) {
        body.push_back(*id);
      } else {
        normalizer_.Normalize(part, buffer);
        AppendNormalized(buffer, body);
      }
    });
    return framing_.Frame(body);
  }

  std::string_view Piece(std::int32_t id) const override {
    return pieces_[static_cast<std::size_t>(id)];
  }

  int vocab_size() const override { return static_cast<int>(pieces_.size()); }

  bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const override {
    return framing_.Truncate(ids, max_tokens);
  }

  std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                 int max_tokens, int overlap) const override {
    return framing_.Windows(ids, max_tokens, overlap);
  }

  TokenPair Join(const std::vector<std::int32_t>& first, const std::vector<std::int32_t>& second,
                 int max_tokens) const override {
    return framing_.Join(first, second, max_tokens);
  }

  std::optional<int> pair_special_tokens() const override { return framing_.pair_special_tokens(); }

  int special_tokens() const override { return framing_.special_tokens(); }

 private:
  // English text has four to five bytes for each token.
  static constexpr std::size_t kBytesPerToken = 4;

  // What a character of a normalized text is to its words.
  enum class Part : std::uint8_t { kWord, kSpace, kPunctuation };

  Part PartOf(char32_t code) const {
    const std::uint8_t properties = characters_.Properties(code);
    if ((properties & Characters::kSpace) != 0) return Part::kSpace;
    return (properties & Characters::kPunctuation) != 0 ? Part::kPunctuation : Part::kWord;
  }

  void AppendNormalized(std::string_view text, std::vector<std::int32_t>& ids) const {
    normalized_.Split(text, [&](std::string_view part, std::optional<std::int32_t> id) {
      if (id) {
        ids.push_back(*id);
      } else {
        AppendWords(part, ids);
      }
    });
  }

  // BertPreTokenizer: words end at white space and at punctuation, each of which is a word.
  void AppendWords(std::string_view text, std::vector<std::int32_t>& ids) const {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size();) {
      Part part = Part::kWord;
      std::size_t size = 1;
      if (IsAscii(text[i])) {
        part = ascii_[static_cast<std::uint8_t>(text[i])];
      } else {
        const Utf8Character character = CharacterAt(text, i);
        part = PartOf(character.code);
        size = character.size;
      }
      if (part != Part::kWord) {
        if (begin < i) AppendWord(text.substr(begin, i - begin), ids);
        if (part == Part::kPunctuation) AppendWord(text.substr(i, size), ids);
        begin = i + size;
      }
      i += size;
    }
    if (begin < text.size()) AppendWord(text.substr(begin), ids);
  }

  void AppendWord(std::string_view word, std::vector<std::int32_t>& ids) const {
    if (IsTooLong(word) || !wordpieces_.Append(word, ids)) ids.push_back(unk_);
  }

  bool IsTooLong(std::string_view word) const {
    if (word.size() <= max_input_chars_per_word_) return false;
    const auto characters = word.size() - static_cast<std::size_t>(std::count_if(
                                              word.begin(), word.end(), IsContinuation));
    return characters > max_input_chars_per_word_;
  }

  // Constant after construction.
  const Characters& characters_;
  const BertNormalizer normalizer_;
  const AddedTokens as_they_stand_;
  const AddedTokens normalized_;
  const WordPieces wordpieces_;
  const std::int32_t unk_;
  const std::size_t max_input_chars_per_word_;
  const Framing framing_;
  std::vector<std::string> pieces_;
  std::array<Part, 128> ascii_ = {};
};

absl::Status TokenError(const AddedToken& token, std::string_view what) {
  constexpr std::size_t kShownBytes = 80;
  return absl::InvalidArgumentError(
      Cat("the added token \"", token.content.substr(0, kShownBytes), "\" ", what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeWordPiece(WordPieceParts parts) {
  const BertNormalizer normalizer(parts.normalizer);
  std::vector<AddedToken> as_they_stand;
  std::vector<AddedToken> normalized;
  std::unordered_set<std::string> seen[2];
  for (AddedToken token : parts.added_tokens) {
    if (token.normalized) {
      std::string content;
      normalizer.Normalize(token.content, content);
      if (content.empty() && !token.content.empty()) {
        return TokenError(token, "has nothing left when it is normalized");
      }
      token.content = std::move(content);
    }
    if (token.content.empty()) return TokenError(token, "is empty");
    if (token.content.size() > AddedTokens::kMaxBytes) {
      return TokenError(token, Cat("is longer than ", AddedTokens::kMaxBytes, " bytes"));
    }
    if (!seen[token.normalized ? 1 : 0].insert(token.content).second) {
      // Which of the two Hugging Face finds depends on the order in a hash table.
      return TokenError(
          token, token.normalized ? "is there twice when it is normalized" : "is there twice");
    }
    (token.normalized ? normalized : as_they_stand).push_back(std::move(token));
  }
  return std::make_unique<const WordPieceTokenizer>(
      std::move(parts), normalizer, std::move(as_they_stand), std::move(normalized));
}

}  // namespace synth
