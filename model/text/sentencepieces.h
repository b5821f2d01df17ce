#ifndef SYNTH_MODEL_TEXT_SENTENCEPIECES_H_
#define SYNTH_MODEL_TEXT_SENTENCEPIECES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}  // namespace sentencepiece

namespace synth {

// SentencePiece behind an interface without Abseil: its header declares another absl::string_view
// than Debian's Abseil, so that no file can include both.
class SentencePieces {
 public:
  // From the bytes of a model, which are copied. Null, and `error` set, where they are none.
  static std::unique_ptr<const SentencePieces> Load(std::string_view model, std::string& error);
  ~SentencePieces();
  SentencePieces(const SentencePieces&) = delete;
  SentencePieces& operator=(const SentencePieces&) = delete;

  // The ids of `text`, which must be UTF-8; false, and `error` set, where SentencePiece gives up.
  bool Encode(std::string_view text, std::vector<std::int32_t>& ids, std::string& error) const;

  int size() const;
  // The piece of an id in [0, size()).
  std::string_view Piece(std::int32_t id) const;
  // The id of a piece, or -1.
  std::int32_t Find(std::string_view piece) const;

 private:
  explicit SentencePieces(std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor);
  const std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_SENTENCEPIECES_H_
