#include "model/checkpoint/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/strings.h"

namespace synth {
namespace {

absl::Status SystemError(const std::filesystem::path& path, int error) {
  const auto message = Cat(path.string(), ": ", std::generic_category().message(error));
  return error == ENOENT || error == ENOTDIR ? absl::NotFoundError(message)
                                             : absl::InvalidArgumentError(message);
}

bool SameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

class InputFile::Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

InputFile::InputFile(std::filesystem::path path, std::shared_ptr<const Descriptor> descriptor,
                     const struct stat& opened)
    : path_(std::move(path)), descriptor_(std::move(descriptor)), opened_(opened) {}

absl::StatusOr<InputFile> InputFile::Open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, errno);
  auto descriptor = std::make_shared<const Descriptor>(fd);
  struct stat opened = {};
  if (::fstat(fd, &opened) != 0) return SystemError(path, errno);
  if (!S_ISREG(opened.st_mode)) {
    return absl::InvalidArgumentError(Cat(path.string(), ": not a regular file"));
  }
  return InputFile(path, std::move(descriptor), opened);
}

absl::Status InputFile::ReadAt(std::uint64_t offset, std::span<char> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread(descriptor_->get(), bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path_, errno);
    if (count == 0) {
      struct stat now = {};
      if (::fstat(descriptor_->get(), &now) != 0) return SystemError(path_, errno);
      return absl::InvalidArgumentError(Cat(path_.string(),
                                            ": the file was shortened while it was read: expected ",
                                            size(), " bytes, found ", now.st_size));
    }
    done += static_cast<std::size_t>(count);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> InputFile::ReadAll() const {
  std::string bytes(size(), '\0');
  if (absl::Status status = ReadAt(0, bytes); !status.ok()) return status;
  return bytes;
}

absl::Status InputFile::CheckUnchanged() const {
  struct stat now = {};
  if (::fstat(descriptor_->get(), &now) != 0) return SystemError(path_, errno);
  if (now.st_size == opened_.st_size && SameTime(now.st_mtim, opened_.st_mtim)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      Cat(path_.string(), ": somebody wrote to the file while it was read: expected it unchanged, ",
          "with ", size(), " bytes, found ", now.st_size));
}

}  // namespace synth
