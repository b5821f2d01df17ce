#ifndef SYNTH_CLIENT_SYNTHCTL_OUTPUT_FILE_H_
#define SYNTH_CLIENT_SYNTHCTL_OUTPUT_FILE_H_

#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace synth::synthctl {

// Which file something is, by whatever path or link it was reached.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

// Nothing for what is not a regular file, such as a pipe, a terminal or /dev/null: reading and
// writing those at the same time does no harm.
std::optional<FileId> RegularFileId(int descriptor);
std::optional<FileId> RegularFileId(const std::filesystem::path& path);

// A command's output: standard output or a file. A file is written beside its place, as
// FILE.partial-PID, and takes it in Commit(), so that no reader sees half of it and a run that
// fails leaves the older one. Symbolic links are followed. These are written in place:
//  - devices, FIFOs, and what stands in /proc, which /dev/stdout and /dev/fd lead to;
//  - a file that no equal can be put in place of: its owner is somebody else, or its folder takes
//    no new file.
// Not thread-safe.
class OutputFile {
 public:
  // Opens standard output if `file` is empty or "-". Errors name the file:
  // - INVALID_ARGUMENT: it is the same file as `input`. Nothing was written to it.
  // - FAILED_PRECONDITION: it cannot be opened.
  static absl::StatusOr<OutputFile> Open(const std::string& file,
                                         std::optional<FileId> input = std::nullopt);

  // What was written beside is removed, unless it was committed or kept.
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  std::FILE* Get() const { return file_.get(); }
  bool IsTerminal() const;
  // Whether both end up in one file.
  bool SharesFileWith(const OutputFile& other) const;

  // Writes the text and flushes, so that whoever reads along has it at once.
  absl::Status Write(std::string_view text);

  // Puts what was written in its place. To be called once, after the last write. If that fails, the
  // error says where the results are.
  absl::Status Commit();
  // Keeps what was written where it is now, and says where; nothing if it is in place already.
  std::optional<std::string> Keep();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const;
  };
  class Partial;
  OutputFile(std::FILE* file, std::filesystem::path target, std::unique_ptr<Partial> partial);

  std::unique_ptr<std::FILE, CloseFile> file_;
  std::filesystem::path target_;      // with all links resolved; empty for standard output
  std::optional<FileId> target_id_;   // of what was there when it was opened
  std::unique_ptr<Partial> partial_;  // null if written in place
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_OUTPUT_FILE_H_
