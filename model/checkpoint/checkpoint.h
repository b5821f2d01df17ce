#ifndef SYNTH_MODEL_CHECKPOINT_CHECKPOINT_H_
#define SYNTH_MODEL_CHECKPOINT_CHECKPOINT_H_

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/checkpoint/mapped_file.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_table.h"
#include "synth/config.h"

namespace synth {

// A checkpoint folder whose files are mapped and checked: the tensors are exactly those of
// TensorTable, have their shapes, and hold finite numbers. What was read of them is let go at once,
// so that the file and the weights made from it are never in memory together.
class Checkpoint {
 public:
  // NOT_FOUND where a file is missing, INVALID_ARGUMENT for whatever else is wrong; names the file.
  static absl::StatusOr<Checkpoint> Open(const std::filesystem::path& folder);

  const ModelConfig& config() const { return config_; }
  std::string_view config_json() const { return config_file_.bytes(); }
  const std::vector<TensorSpec>& table() const { return table_; }
  // The same tensors as they lie in the file.
  const TensorMap& tensors() const { return tensors_; }
  // Nothing where the config names no tokenizer.
  std::optional<std::string_view> tokenizer_model() const;
  // docs/checkpoint.md
  std::string ComputeDigest() const;

  // The values of a tensor of the table.
  std::vector<float> Read(std::string_view name) const;

 private:
  Checkpoint(MappedFile config_file, ModelConfig config, MappedFile tensor_file, TensorMap tensors,
             std::optional<MappedFile> tokenizer_file);

  MappedFile config_file_;
  ModelConfig config_;
  std::vector<TensorSpec> table_;
  MappedFile tensor_file_;
  TensorMap tensors_;  // views into tensor_file_
  std::optional<MappedFile> tokenizer_file_;
};

// The tensors whose names begin with a prefix. Refers to its checkpoint.
class TensorScope {
 public:
  TensorScope(const Checkpoint& checkpoint, std::string prefix);

  // "dense" -> the tensors below "<prefix>dense."
  TensorScope Below(std::string_view name) const;
  std::vector<float> Read(std::string_view name) const;

 private:
  const Checkpoint& checkpoint_;
  const std::string prefix_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_CHECKPOINT_H_
