#ifndef SYNTH_MODEL_CHECKPOINT_INPUT_FILE_H_
#define SYNTH_MODEL_CHECKPOINT_INPUT_FILE_H_

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace synth {

// A regular file that is read piece by piece. It is not mapped: a mapped file that somebody
// shortens ends the process with SIGBUS, a read of it is an error. All errors name the file. Any
// number of threads may read at the same time.
class InputFile {
 public:
  // NOT_FOUND if there is no such file. INVALID_ARGUMENT if it cannot be opened or is not a regular
  // file.
  static absl::StatusOr<InputFile> Open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // In bytes, when the file was opened.
  std::uint64_t size() const { return static_cast<std::uint64_t>(opened_.st_size); }

  // Fills `bytes` from `offset` on. INVALID_ARGUMENT if the file ends before that.
  absl::Status ReadAt(std::uint64_t offset, std::span<char> bytes) const;
  // The whole file.
  absl::StatusOr<std::string> ReadAll() const;

  // INVALID_ARGUMENT if somebody has written to the file since it was opened. A file that was
  // replaced by renaming or removed is still the one that was opened.
  absl::Status CheckUnchanged() const;

 private:
  class Descriptor;

  InputFile(std::filesystem::path path, std::shared_ptr<const Descriptor> descriptor,
            const struct stat& opened);

  std::filesystem::path path_;
  std::shared_ptr<const Descriptor> descriptor_;
  struct stat opened_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_INPUT_FILE_H_
