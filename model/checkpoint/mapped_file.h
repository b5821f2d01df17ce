#ifndef SYNTH_MODEL_CHECKPOINT_MAPPED_FILE_H_
#define SYNTH_MODEL_CHECKPOINT_MAPPED_FILE_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace synth {

// A whole file, mapped read-only for as long as the object lives. The file must not be shortened
// meanwhile: replace a checkpoint by renaming, never by writing into it.
class MappedFile {
 public:
  // NOT_FOUND where there is no such file, INVALID_ARGUMENT where it is not a regular file.
  static absl::StatusOr<MappedFile> Open(const std::filesystem::path& path);

  // Lets go of the pages that lie wholly in `part` of bytes(): they no longer count as this
  // process's memory, and are read again if they are needed again.
  static void Forget(std::string_view part);

  std::string_view bytes() const { return {data_.get(), data_.get_deleter().size}; }

 private:
  struct Unmap {
    std::size_t size = 0;
    void operator()(const char* data) const;
  };

  explicit MappedFile(std::unique_ptr<const char, Unmap> data);
  std::unique_ptr<const char, Unmap> data_;  // null where the file is empty
};

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_MAPPED_FILE_H_
