#ifndef SYNTH_MODEL_CHECKPOINT_FOLDER_H_
#define SYNTH_MODEL_CHECKPOINT_FOLDER_H_

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"

namespace synth {

// `status` with the file in front of its message.
absl::Status InFile(const std::filesystem::path& file, const absl::Status& status);

// INVALID_ARGUMENT if the first bytes of a file are those of a Git LFS pointer.
absl::Status CheckNoPointer(const std::filesystem::path& path, std::string_view first_bytes);

// Whether `name` stays in its folder and stands in a line of sha256sum as it is.
bool IsPlainFileName(std::string_view name);

// The small files of a checkpoint's folder. Every file that was read counts in the digest, so that
// two folders that mean different things never have the same one.
class Folder {
 public:
  explicit Folder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }

  // The bytes of a file, whose `name` may have folders in front. NOT_FOUND if it is missing;
  // INVALID_ARGUMENT if it is larger than any such file or a Git LFS pointer.
  absl::StatusOr<std::string> Read(std::string_view name);
  // The same as JSON. Nothing if there is no such file.
  absl::StatusOr<std::optional<nlohmann::json>> ReadJsonIfThere(std::string_view name);
  // Whether there is such a file, or a symbolic link in its place that leads nowhere: what is there
  // and cannot be read is an error, and no reason to do without it.
  bool Has(std::string_view name) const;

  // Of the files that were read, in that order.
  const std::vector<FileHash>& hashes() const { return hashes_; }

 private:
  std::filesystem::path path_;
  std::vector<FileHash> hashes_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_FOLDER_H_
