#ifndef SYNTH_MODEL_TEXT_TOKENIZER_JSON_H_
#define SYNTH_MODEL_TEXT_TOKENIZER_JSON_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "synth/tokenizer.h"

namespace synth {

// A tokenizer from the bytes of a tokenizer.json of Hugging Face's tokenizers. It gives their ids.
//
// The file must have a WordPiece model, BertNormalizer and BertPreTokenizer; TemplateProcessing
// with at most one token at each end, BertProcessing or no post-processor. Whatever else could
// change an id is INVALID_ARGUMENT, which names the key, what was expected and what was found.
// `truncation` and `padding` are not read, because callers decide on them; nor is `decoder`, which
// makes texts of ids.
absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizerJson(std::string_view tokenizer_json);

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_TOKENIZER_JSON_H_
