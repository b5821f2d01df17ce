#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/strings.h"
#include "model/text/added_tokens.h"
#include "model/text/characters.h"
#include "model/text/utf8_characters.h"
#include "model/text/wordpiece_parts.h"
#include "model/text/wordpiece_tokenizer.h"
#include "synth/tokenizer.h"
#include "synth/utf8.h"

namespace synth {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string Quoted(std::string_view piece) {
  // Not inside a character.
  std::size_t size = std::min(piece.size(), kShownBytes);
  while (size < piece.size() && size > 0 && IsContinuation(piece[size])) --size;
  return Cat("\"", piece.substr(0, size), size < piece.size() ? "...\"" : "\"");
}

class Vocabulary {
 public:
  absl::Status Read(std::string_view text) {
    if (text.empty()) return absl::InvalidArgumentError("the vocabulary is empty");
    if (text.size() > kMaxVocabBytes) {
      return absl::InvalidArgumentError(Cat("the vocabulary has ", text.size(),
                                            " bytes, which are more than ", kMaxVocabBytes,
                                            ", the limit"));
    }
    if (const std::optional<std::size_t> bad = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(Cat("the vocabulary is not UTF-8 at byte ", *bad));
    }
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      if (absl::Status status = Add(TrimEnd(text.substr(0, end))); !status.ok()) return status;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return absl::OkStatus();
  }

  std::optional<std::int32_t> Find(std::string_view piece) const {
    const auto found = ids_.find(std::string(piece));
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }

  std::vector<std::string> TakePieces() { return std::move(pieces_); }

 private:
  static std::string_view TrimEnd(std::string_view line) {
    while (!line.empty()) {
      const auto [code, size] = CharacterBefore(line, line.size());
      if ((Characters::Get().Properties(code) & Characters::kSpace) == 0) break;
      line.remove_suffix(size);
    }
    return line;
  }

  absl::Status Add(std::string_view piece) {
    const auto line = pieces_.size() + 1;
    if (piece.empty()) {
      return absl::InvalidArgumentError(Cat("line ", line, " of the vocabulary is empty"));
    }
    const auto [first, is_new] =
        ids_.try_emplace(std::string(piece), static_cast<std::int32_t>(pieces_.size()));
    if (!is_new) {
      return absl::InvalidArgumentError(Cat("lines ", first->second + 1, " and ", line,
                                            " of the vocabulary are the same piece, ",
                                            Quoted(piece)));
    }
    pieces_.emplace_back(piece);
    return absl::OkStatus();
  }

  std::vector<std::string> pieces_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadWordPiece(const WordPieceConfig& config,
                                                               std::string_view vocab_txt) {
  Vocabulary vocabulary;
  if (absl::Status status = vocabulary.Read(vocab_txt); !status.ok()) return status;
  WordPieceParts parts;
  parts.normalizer = config.normalizer;
  parts.max_input_chars_per_word = config.max_input_chars_per_word;
  std::vector<std::string> names;  // of the tokens that are found as they stand, each once
  const auto add_name = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  struct Needed {
    std::string_view key;
    const std::string& name;
    std::int32_t id = 0;
  };
  Needed needed[] = {{"unk_token", config.unk_token},
                     {"cls_token", config.cls_token},
                     {"sep_token", config.sep_token}};
  for (Needed& token : needed) {
    const std::optional<std::int32_t> id = vocabulary.Find(token.name);
    if (!id) {
      return absl::InvalidArgumentError(
          Cat("the vocabulary has no piece ", Quoted(token.name), ", the ", token.key));
    }
    token.id = *id;
    add_name(token.name);
  }
  parts.unk = needed[0].id;
  parts.cls = needed[1].id;
  parts.sep = needed[2].id;
  for (const std::string& name : config.special_tokens) add_name(name);
  for (const std::string& name : names) {
    if (const std::optional<std::int32_t> id = vocabulary.Find(name)) {
      AddedToken token;
      token.content = name;
      token.id = *id;
      parts.added_tokens.push_back(std::move(token));
    }
  }
  parts.pieces = vocabulary.TakePieces();
  return MakeWordPiece(std::move(parts));
}

}  // namespace synth
