#ifndef SYNTH_MODEL_TEXT_WORDPIECE_TOKENIZER_H_
#define SYNTH_MODEL_TEXT_WORDPIECE_TOKENIZER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/text/bert_normalizer.h"
#include "synth/tokenizer.h"

namespace synth {

// The tokenizer of BERT beside its vocab.txt: what Hugging Face has in tokenizer_config.json. The
// defaults are those of an uncased model.
struct WordPieceConfig {
  BertNormalizerConfig normalizer;
  std::string unk_token = "[UNK]";  // for a word that the pieces do not cover
  std::string cls_token = "[CLS]";  // before every text
  std::string sep_token = "[SEP]";  // behind every text
  // Found in a text as they stand, as are the three above, if the vocabulary has them.
  std::vector<std::string> special_tokens = {"[PAD]", "[MASK]"};
  std::size_t max_input_chars_per_word = 100;  // a longer word is unk_token
};

// The limit of a vocabulary in bytes. Those of multilingual models have 1 to 5 MB.
inline constexpr std::size_t kMaxVocabBytes = 64U << 20;

// A tokenizer that gives the ids of Hugging Face's tokenizers (BertNormalizer, BertPreTokenizer,
// WordPiece) from the bytes of a vocab.txt: a piece a line, the number of the line is its id.
// White space at the end of a line is no part of its piece, so that CRLF ends a line as LF does.
//
// INVALID_ARGUMENT, which names the line, where the file is too large, not UTF-8 or empty, has an
// empty line or a piece twice, or lacks the piece of unk_token, cls_token or sep_token.
absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadWordPiece(const WordPieceConfig& config,
                                                               std::string_view vocab_txt);

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_WORDPIECE_TOKENIZER_H_
