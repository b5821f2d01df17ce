#ifndef SYNTH_MODEL_CHECKPOINT_LAYOUTS_LAYOUT_H_
#define SYNTH_MODEL_CHECKPOINT_LAYOUTS_LAYOUT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/json_object.h"
#include "synth/config.h"

namespace synth {

// A family of checkpoints, each with keys and tensor names of its own. Many layouts come in, and
// one inner form comes out: a ModelConfig, and the tensors of its TensorTable.
struct Layout {
  std::string_view model_type;  // as in config.json

  // Reads config.json, whose model_type is this one. INVALID_ARGUMENT names the key, what was
  // expected and what was found.
  absl::StatusOr<ModelConfig> (*read_config)(const JsonObject& file);

  // Reads what stands in other files of the folder into `config`, and which file is the
  // tokenizer's. The same errors, and NOT_FOUND; both name the file.
  absl::Status (*read_folder)(Folder& folder, ModelConfig& config);

  // The name in the TensorTable of the tensor that the file calls `name`; nothing if this layout
  // knows the tensor and does not need it, such as the head of a masked language model. A name that
  // the layout does not know stays as it is, for the TensorTable to refuse.
  std::optional<std::string> (*table_name)(std::string_view name, const ModelConfig& config);
};

extern const Layout kSynthesizerLayout;
extern const Layout kBertLayout;
extern const Layout kDistilbertLayout;
extern const Layout kRobertaLayout;
extern const Layout kXlmRobertaLayout;

// The layout of config.json's model_type. INVALID_ARGUMENT names those there are.
absl::StatusOr<const Layout*> FindLayout(const JsonObject& file);
// The layout that `config` was read by.
const Layout& LayoutOf(const ModelConfig& config);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_LAYOUTS_LAYOUT_H_
