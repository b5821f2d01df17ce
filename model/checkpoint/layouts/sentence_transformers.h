#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_SENTENCE_TRANSFORMERS_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_SENTENCE_TRANSFORMERS_H_

#include "absl/status/status.h"
#include "model/checkpoint/folder.h"
#include "synth/config.h"

namespace synth {

// Reads what sentence-transformers keeps beside an encoder, if the folder has its modules.json:
//
// - modules.json: a Transformer, then Pooling, then Normalize or nothing;
// - Pooling's config.json: mean, cls or max;
// - sentence_bert_config.json: max_seq_length;
// - config_sentence_transformers.json: prompts by name, and which is the default.
//
// Sets pooling, normalize, max_seq_length, prompts and default_prompt_name of `config`, whose sizes
// must have been read. INVALID_ARGUMENT names the file, the key, what was expected and what was
// found. A module, a pooling or a setting that would change a vector and is not computed here is
// such an error.
absl::Status ReadSentenceTransformers(Folder& folder, ModelConfig& config);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_SENTENCE_TRANSFORMERS_H_
