#ifndef SYNTH_MODEL_TEXT_SENTENCEPIECE_TOKENIZER_H_
#define SYNTH_MODEL_TEXT_SENTENCEPIECE_TOKENIZER_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "synth/config.h"
#include "synth/tokenizer.h"

namespace synth {

// A tokenizer from the bytes of a SentencePiece model, which are copied. INVALID_ARGUMENT where
// they are no such model or where `config` names a special token that is not one of its pieces.
absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadSentencePiece(const TokenizerConfig& config,
                                                                   std::string_view model);

}  // namespace synth

#endif  // SYNTH_MODEL_TEXT_SENTENCEPIECE_TOKENIZER_H_
