#include "model/text/sentencepiece_tokenizer.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/strings.h"
#include "model/text/sentencepieces.h"
#include "synth/utf8.h"

namespace synth {
namespace {

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(std::unique_ptr<const SentencePieces> pieces,
                         std::optional<std::int32_t> cls, std::optional<std::int32_t> sep)
      : pieces_(std::move(pieces)), cls_(cls), sep_(sep) {}

  absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text) const override {
    if (const std::optional<std::size_t> bad = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(Cat("the text is not UTF-8 at byte ", *bad));
    }
    std::vector<std::int32_t> body;
    std::string error;
    if (!pieces_->Encode(text, body, error)) {
      return absl::InternalError(Cat("SentencePiece: ", error));
    }
    std::vector<std::int32_t> ids;
    ids.reserve(body.size() + 2);
    if (cls_) ids.push_back(*cls_);
    ids.insert(ids.end(), body.begin(), body.end());
    if (sep_) ids.push_back(*sep_);
    return ids;
  }

  std::string_view Piece(std::int32_t id) const override { return pieces_->Piece(id); }

  int vocab_size() const override { return pieces_->size(); }

  bool Truncate(std::vector<std::int32_t>& ids, int max_tokens) const override {
    const auto limit = static_cast<std::size_t>(max_tokens);
    assert(max_tokens > special_tokens());
    if (ids.size() <= limit) return false;
    ids.resize(limit);
    if (sep_) ids.back() = *sep_;
    return true;
  }

  std::vector<std::vector<std::int32_t>> Windows(const std::vector<std::int32_t>& ids,
                                                 int max_tokens, int overlap) const override {
    if (ids.size() <= static_cast<std::size_t>(max_tokens)) return {ids};
    const auto room = static_cast<std::size_t>(max_tokens - special_tokens());
    assert(overlap >= 0 && static_cast<std::size_t>(overlap) < room);
    const std::size_t body = ids.size() - static_cast<std::size_t>(special_tokens());
    const std::size_t step = room - static_cast<std::size_t>(overlap);
    const std::size_t last = (body - room + step - 1) / step;  // number of the last window, from 0
    const auto first = ids.begin() + (cls_ ? 1 : 0);
    std::vector<std::vector<std::int32_t>> windows(last + 1);
    for (std::size_t i = 0; i <= last; ++i) {
      const auto begin = first + static_cast<std::ptrdiff_t>(i * (body - room) / last);
      windows[i].reserve(static_cast<std::size_t>(max_tokens));
      if (cls_) windows[i].push_back(*cls_);
      windows[i].insert(windows[i].end(), begin, begin + static_cast<std::ptrdiff_t>(room));
      if (sep_) windows[i].push_back(*sep_);
    }
    return windows;
  }

  int special_tokens() const override { return (cls_ ? 1 : 0) + (sep_ ? 1 : 0); }

 private:
  // Constant after construction.
  const std::unique_ptr<const SentencePieces> pieces_;
  const std::optional<std::int32_t> cls_;
  const std::optional<std::int32_t> sep_;
};

// Sets `id` to that of a special token; leaves it empty where the config names none.
absl::Status FindToken(const SentencePieces& pieces, std::string_view key,
                       const std::optional<std::string>& token, std::optional<std::int32_t>& id) {
  if (!token) return absl::OkStatus();
  const std::int32_t found = pieces.Find(*token);
  if (found < 0) {
    return absl::InvalidArgumentError(Cat("the tokenizer has no piece \"", *token,
                                          "\", which config.json names as tokenizer.", key));
  }
  id = found;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadSentencePiece(const TokenizerConfig& config,
                                                                   std::string_view model) {
  std::string error;
  auto pieces = SentencePieces::Load(model, error);
  if (pieces == nullptr) {
    return absl::InvalidArgumentError(Cat("expected a SentencePiece model: ", error));
  }
  std::optional<std::int32_t> cls;
  std::optional<std::int32_t> sep;
  absl::Status status = FindToken(*pieces, "cls_token", config.cls_token, cls);
  status.Update(FindToken(*pieces, "sep_token", config.sep_token, sep));
  if (!status.ok()) return status;
  return std::make_unique<const SentencePieceTokenizer>(std::move(pieces), cls, sep);
}

}  // namespace synth
