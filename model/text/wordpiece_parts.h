#ifndef SYNTH_MODEL_TEXT_WORDPIECE_PARTS_H_
#define SYNTH_MODEL_TEXT_WORDPIECE_PARTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/text/added_tokens.h"
#include "model/text/bert_normalizer.h"
#include "model/text/framing.h"
#include "synth/tokenizer.h"

namespace synth {

// What a WordPiece tokenizer is made of, whichever files say so.
struct WordPieceParts {
  BertNormalizerConfig normalizer;
  std::vector<std::string> pieces;  // by id, no piece twice
  std::int32_t unk = 0;
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
  // Ids from pieces.size() on, without a gap, where a token is not a piece.
  std::vector<AddedToken> added_tokens;
  std::optional<std::int32_t> cls;
  std::optional<std::int32_t> sep;
  Framing::Pairs pairs = Framing::Pairs::kOneSeparator;
};

// INVALID_ARGUMENT where an added token cannot be looked for: it is too long, is there twice, or
// nothing is left of it when it is normalized.
absl::StatusOr<std::unique_ptr<const Tokenizer>> MakeWordPiece(WordPieceParts parts);

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_WORDPIECE_PARTS_H_
