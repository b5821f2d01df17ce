#ifndef SYNTH_MODEL_CHECKPOINT_TENSOR_FILES_H_
#define SYNTH_MODEL_CHECKPOINT_TENSOR_FILES_H_

#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/input_file.h"
#include "model/checkpoint/safetensors.h"

namespace synth {

// The files of a checkpoint's tensors, open: model.safetensors, or the shards that
// model.safetensors.index.json names. All errors name the file. Any number of threads may read at
// the same time.
class TensorFiles {
 public:
  // Reads the headers into `entries`, under the names in the files. NOT_FOUND if a file is missing;
  // INVALID_ARGUMENT if a file is damaged, or the index says another thing than its shards. Says
  // so if the folder has a form that is not read: PyTorch's own, a Git LFS pointer.
  static absl::StatusOr<TensorFiles> Open(Folder& folder, TensorEntries& entries);

  // Adds model.safetensors of `module`, a folder in the checkpoint's, whose tensors are
  // linear.weight and, if it has one, linear.bias. In `entries` `prefix` stands for "linear.". The
  // same errors; INVALID_ARGUMENT if the tensors are others.
  absl::Status AddLinear(const Folder& folder, std::string_view module, bool has_bias,
                         std::string_view prefix, TensorEntries& entries);

  // The file that says which tensors there are: the only one, or the index.
  const std::filesystem::path& path() const { return path_; }
  // The file where a tensor lies.
  const std::filesystem::path& PathOf(const TensorEntry& tensor) const;

  // Calls visit(piece) for the bytes of a tensor, piece by piece, each a whole number of its
  // elements. Stops at the first error.
  absl::Status Read(const TensorEntry& tensor,
                    absl::FunctionRef<absl::Status(std::string_view)> visit) const;
  // Of the files of tensors in the order of their names. Reads them whole.
  absl::StatusOr<std::vector<FileHash>> Hash() const;
  // INVALID_ARGUMENT if somebody has written to one of them since it was opened.
  absl::Status CheckUnchanged() const;

 private:
  explicit TensorFiles(std::filesystem::path path) : path_(std::move(path)) {}
  absl::Status OpenShards(Folder& folder, TensorEntries& entries);

  struct NamedFile {
    std::string name;  // in the checkpoint's folder
    InputFile file;
  };
  // Opens a file, and gives its tensors their place in files_.
  absl::StatusOr<TensorEntries> Add(const std::filesystem::path& folder, std::string name);

  std::filesystem::path path_;
  std::vector<NamedFile> files_;  // TensorEntry::file is an index into it
};

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_TENSOR_FILES_H_
