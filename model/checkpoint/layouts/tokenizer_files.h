#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_TOKENIZER_FILES_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_TOKENIZER_FILES_H_

#include "absl/status/status.h"
#include "model/checkpoint/folder.h"
#include "synth/config.h"

namespace synth {

// Which file of a folder of transformers is the tokenizer's: tokenizer.json says all, and the other
// files are what folders had before it. A folder with none of them gets no tokenizer. Errors name
// the file.

// BERT's: tokenizer.json, or vocab.txt with what tokenizer_config.json says about it.
absl::Status FindWordPiece(Folder& folder, ModelConfig& config);

// RoBERTa's and XLM-R's: tokenizer.json. INVALID_ARGUMENT if the folder has older files alone.
absl::Status FindTokenizerJson(Folder& folder, ModelConfig& config);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_TOKENIZER_FILES_H_
