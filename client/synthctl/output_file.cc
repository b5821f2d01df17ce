#include "client/synthctl/output_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace synth::synthctl {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kNewFileMode = 0666;  // less the umask
constexpr mode_t kPermissions = 07777;

std::optional<FileId> IdOf(const struct stat& info) {
  if (!S_ISREG(info.st_mode)) return std::nullopt;
  return FileId{info.st_dev, info.st_ino};
}

fs::path FolderOf(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

// Links in /proc lead to what a process has open. Their text is no path to go by: what they name
// may be a pipe, or a file that others go on writing to.
bool IsInProc(const fs::path& file) {
  struct statfs info {};
  return statfs(FolderOf(file).c_str(), &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

// Follows the links that `file` itself is, also to what does not exist yet. Stops in /proc.
fs::path FollowLinks(fs::path file) {
  constexpr int kMaxLinks = 40;  // as the kernel; more fail when the file is opened
  for (int i = 0; i < kMaxLinks && !IsInProc(file); ++i) {
    std::error_code error;
    const fs::path link = fs::read_symlink(file, error);
    if (error) break;
    file = FolderOf(file) / link;
  }
  // One spelling for one file, so that two that do not exist yet can be compared.
  std::error_code error;
  const fs::path folder = fs::canonical(FolderOf(file), error);
  return error ? file : folder / file.filename();
}

// Whether an error in making a new file concerns the folder or the name alone: a file that is there
// may still be written.
bool IsOfTheFolder(int error) {
  return error == EACCES || error == EPERM || error == EROFS || error == ENAMETOOLONG;
}

// The owner, the group and the permissions of `old`, which may take rights that we lack.
bool MakeLike(int descriptor, const struct stat& old) {
  struct stat made {};
  if (fstat(descriptor, &made) != 0 || made.st_dev != old.st_dev) return false;
  const bool same_owner = made.st_uid == old.st_uid && made.st_gid == old.st_gid;
  if (!same_owner && fchown(descriptor, old.st_uid, old.st_gid) != 0) return false;
  return fchmod(descriptor, old.st_mode & kPermissions) == 0;
}

}  // namespace

std::optional<FileId> RegularFileId(int descriptor) {
  struct stat info {};
  return fstat(descriptor, &info) == 0 ? IdOf(info) : std::nullopt;
}

std::optional<FileId> RegularFileId(const fs::path& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? IdOf(info) : std::nullopt;
}

// A new file beside another, removed at the end unless released.
class OutputFile::Partial {
 public:
  // Null if there can be none, with the reason in errno.
  static std::unique_ptr<Partial> Create(const fs::path& target) {
    // Another process may have had the same number, in another container or before it was killed.
    constexpr int kMaxNames = 100;
    std::string path;
    int descriptor = -1;
    for (int i = 0; i < kMaxNames && descriptor < 0; ++i) {
      path = absl::StrCat(target.string(), ".partial-", getpid());
      if (i > 0) absl::StrAppend(&path, ".", i);
      descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kNewFileMode);
      if (descriptor < 0 && errno != EEXIST) break;
    }
    if (descriptor < 0) return nullptr;
    return std::unique_ptr<Partial>(new Partial(std::move(path), descriptor));
  }
  ~Partial() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;

  int descriptor() const { return descriptor_; }
  // The stream takes the descriptor over. Null with the reason in errno.
  std::FILE* OpenStream() {
    std::FILE* const stream = fdopen(descriptor_, "wb");
    if (stream != nullptr) descriptor_ = -1;
    return stream;
  }
  std::string Release() { return std::exchange(path_, {}); }

 private:
  Partial(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string path_;
  int descriptor_;
};

void OutputFile::CloseFile::operator()(std::FILE* file) const {
  if (file != stdout) std::fclose(file);
}

OutputFile::OutputFile(std::FILE* file, fs::path target, std::unique_ptr<Partial> partial)
    : file_(file), target_(std::move(target)), partial_(std::move(partial)) {}
OutputFile::~OutputFile() = default;
OutputFile::OutputFile(OutputFile&&) noexcept = default;
OutputFile& OutputFile::operator=(OutputFile&&) noexcept = default;

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& file, std::optional<FileId> input) {
  if (file.empty() || file == "-") {
    OutputFile output(stdout, {}, nullptr);
    output.target_id_ = RegularFileId(STDOUT_FILENO);
    if (output.target_id_.has_value() && output.target_id_ == input) {
      return absl::InvalidArgumentError("standard output is also the input");
    }
    return output;
  }
  const auto failed = [&file](int error) {
    return absl::FailedPreconditionError(absl::ErrnoToStatus(error, file).message());
  };
  fs::path target = FollowLinks(file);
  struct stat old {};
  const bool exists = stat(target.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) return failed(errno);
  const std::optional<FileId> target_id = exists ? IdOf(old) : std::nullopt;
  if (target_id.has_value() && target_id == input) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": is also the input"));
  }

  std::unique_ptr<Partial> partial;
  if (!IsInProc(target) && (!exists || S_ISREG(old.st_mode))) {
    // A folder may allow to replace what itself may not be written.
    if (exists && faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) return failed(errno);
    partial = Partial::Create(target);
    if (partial == nullptr && !IsOfTheFolder(errno)) return failed(errno);
    if (partial != nullptr && exists && !MakeLike(partial->descriptor(), old)) partial.reset();
  }
  std::FILE* const stream =
      partial != nullptr ? partial->OpenStream() : std::fopen(target.c_str(), "wbe");
  if (stream == nullptr) return failed(errno);
  OutputFile output(stream, std::move(target), std::move(partial));
  output.target_id_ = target_id;
  return output;
}

bool OutputFile::IsTerminal() const { return isatty(fileno(file_.get())) != 0; }

bool OutputFile::SharesFileWith(const OutputFile& other) const {
  if (target_id_.has_value() && target_id_ == other.target_id_) return true;
  return !target_.empty() && target_ == other.target_;
}

absl::Status OutputFile::Write(std::string_view text) {
  const std::size_t written = std::fwrite(text.data(), 1, text.size(), file_.get());
  if (written != text.size() || std::fflush(file_.get()) != 0) {
    return absl::ErrnoToStatus(errno, "writing results");
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Commit() {
  if (std::fflush(file_.get()) != 0) return absl::ErrnoToStatus(errno, "writing results");
  if (partial_ == nullptr) return absl::OkStatus();
  // Otherwise a machine that stops may leave the new name without its content.
  if (fsync(fileno(file_.get())) != 0) return absl::ErrnoToStatus(errno, "writing results");
  const std::string written = partial_->Release();
  if (std::rename(written.c_str(), target_.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat(target_.string(), ": the results are in ", written,
                                                 ", and cannot take its place"));
}

std::optional<std::string> OutputFile::Keep() {
  if (partial_ == nullptr) return std::nullopt;
  return partial_->Release();
}

}  // namespace synth::synthctl
