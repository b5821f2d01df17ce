#include "model/text/sentencepiece_tokenizer.h"

#include <algorithm>
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
#include "model/text/framing.h"
#include "model/text/normalized_size.h"
#include "model/text/sentencepieces.h"
#include "synth/utf8.h"

namespace synth {
namespace {

// A text may have so many bytes once it is normalized, or kMaxGrowth times what it had if that is
// more. Ordinary text grows by less than a half in every language.
constexpr std::size_t kFreeBytes = 65'536;
constexpr std::size_t kMaxGrowth = 2;

class SentencePieceTokenizer final : public Tokenizer {
 public:
  SentencePieceTokenizer(std::unique_ptr<const SentencePieces> pieces, NormalizedSize size,
                         const Framing& framing)
      : pieces_(std::move(pieces)), normalized_size_(std::move(size)), framing_(framing) {}

  absl::StatusOr<std::vector<std::int32_t>> Encode(std::string_view text) const override {
    if (const std::optional<std::size_t> bad = FirstInvalidUtf8(text)) {
      return absl::InvalidArgumentError(Cat("the text is not UTF-8 at byte ", *bad));
    }
    if (absl::Status status = CheckGrowth(text); !status.ok()) return status;
    std::vector<std::int32_t> body;
    std::string error;
    if (!pieces_->Encode(text, body, error)) {
      return absl::InternalError(Cat("SentencePiece: ", error));
    }
    return framing_.Frame(body);
  }

  std::string_view Piece(std::int32_t id) const override { return pieces_->Piece(id); }

  int vocab_size() const override { return pieces_->size(); }

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
  // Before SentencePiece sees the text: it takes time and memory by what the text grows to.
  absl::Status CheckGrowth(std::string_view text) const {
    if (text.size() <= kFreeBytes / normalized_size_.max_growth()) return absl::OkStatus();
    const std::size_t limit = std::max(kFreeBytes, kMaxGrowth * text.size());
    if (normalized_size_.Count(text, limit) <= limit) return absl::OkStatus();
    return absl::InvalidArgumentError(Cat("the text grows from ", text.size(),
                                          " bytes to more than ", limit,
                                          ", the limit, when it is normalized"));
  }

  // Constant after construction.
  const std::unique_ptr<const SentencePieces> pieces_;
  const NormalizedSize normalized_size_;
  const Framing framing_;
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
  return std::make_unique<const SentencePieceTokenizer>(std::move(pieces), NormalizedSize(model),
                                                        Framing(cls, sep));
}

}  // namespace synth
