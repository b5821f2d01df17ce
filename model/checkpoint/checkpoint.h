#ifndef SYNTH_MODEL_CHECKPOINT_CHECKPOINT_H_
#define SYNTH_MODEL_CHECKPOINT_CHECKPOINT_H_

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_files.h"
#include "model/checkpoint/tensor_table.h"
#include "synth/config.h"

namespace synth {

// A checkpoint folder whose files are open and checked: the tensors are exactly those of
// TensorTable, have their shapes, and hold finite numbers. Tensors are read one by one, so that the
// file and the weights made from it are never in memory together. Not thread-safe, but one thread
// may compute the digest while another one reads tensors.
class Checkpoint {
 public:
  // NOT_FOUND if a file is missing, INVALID_ARGUMENT for whatever else is wrong; names the file,
  // and says so if the checkpoint has a form that is not read: PyTorch's own, a Git LFS pointer.
  static absl::StatusOr<Checkpoint> Open(const std::filesystem::path& folder);

  const ModelConfig& config() const { return config_; }
  // Without the byte order mark that some editors begin a file with.
  std::string_view config_json() const;
  const std::vector<TensorSpec>& table() const { return table_; }
  // The same tensors as they lie in the file.
  const TensorEntries& tensors() const { return tensors_; }
  // The bytes of the tokenizer's file. Nothing if the config names no tokenizer.
  const std::optional<std::string>& tokenizer_model() const { return tokenizer_model_; }
  // docs/checkpoint.md. Reads the files of tensors whole.
  absl::StatusOr<std::string> ComputeDigest() const;

  // The values of a tensor of the table. If they cannot be read, zeros: layers are built from many
  // tensors, and whoever builds them asks status() once, at the end.
  std::vector<float> Read(std::string_view name) const;
  // The first error of Read; or, if a file of tensors was written to since Open, an error that says
  // so. INVALID_ARGUMENT.
  absl::Status status() const;

 private:
  Checkpoint(std::string config_json, ModelConfig config, TensorFiles tensor_files,
             TensorEntries tensors, std::optional<std::string> tokenizer_model,
             std::vector<FileHash> small_files);

  std::string config_json_;
  ModelConfig config_;
  std::vector<TensorSpec> table_;
  TensorFiles tensor_files_;
  TensorEntries tensors_;
  std::optional<std::string> tokenizer_model_;
  std::vector<FileHash> small_files_;
  mutable absl::Status read_status_;
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
