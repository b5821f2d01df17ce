#include "client/synthctl/npy.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>

#include "absl/strings/str_format.h"

namespace synth::synthctl {
namespace {

static_assert(std::endian::native == std::endian::little, "rows are written as they lie in memory");

// Magic, version 1.0, and room for any number of rows and columns: a multiple of 64, as NumPy
// aligns.
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kPreambleBytes = 10;

// The offset at which `file` would write next, if it can also go back there; otherwise -1.
int64_t SeekableOffset(std::FILE* file) {
  const int flags = fcntl(fileno(file), F_GETFL);
  if (flags < 0 || (static_cast<unsigned>(flags) & static_cast<unsigned>(O_APPEND)) != 0) return -1;
  return ftello(file);
}

}  // namespace

std::string NpyHeader(uint64_t rows, uint64_t columns) {
  std::string description = absl::StrFormat(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns);
  constexpr std::size_t kDescriptionBytes = kHeaderBytes - kPreambleBytes;
  description.resize(kDescriptionBytes - 1, ' ');
  description += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(kDescriptionBytes & 0xFFU);
  header += static_cast<char>(kDescriptionBytes >> 8U);
  return header + description;
}

NpyWriter::NpyWriter(std::FILE* out)
    : out_(out),
      start_(SeekableOffset(out)),
      spool_(start_ < 0 ? std::tmpfile() : nullptr),
      rows_file_(start_ < 0 ? spool_ : out) {}

NpyWriter::~NpyWriter() {
  if (spool_ != nullptr) std::fclose(spool_);
}

absl::Status NpyWriter::WriteTo(std::FILE* file, const void* data, std::size_t bytes) const {
  if (bytes == 0 || std::fwrite(data, 1, bytes, file) == bytes) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, file == spool_ ? "writing a temporary file" : "writing");
}

absl::Status NpyWriter::Begin(uint64_t columns) {
  if (rows_file_ == nullptr) return absl::ErrnoToStatus(errno, "opening a temporary file");
  begun_ = true;
  columns_ = columns;
  if (spool_ != nullptr) return absl::OkStatus();
  return WriteTo(out_, NpyHeader(0, columns).data(), kHeaderBytes);
}

absl::Status NpyWriter::WriteRow(std::span<const float> row) {
  if (!begun_) {
    if (absl::Status status = Begin(row.size()); !status.ok()) return status;
  }
  if (row.size() != columns_) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "row %d has %d columns, the rows before have %d", rows_, row.size(), columns_));
  }
  ++rows_;
  return WriteTo(rows_file_, row.data(), row.size_bytes());
}

absl::Status NpyWriter::Finish() {
  if (!begun_) {
    if (absl::Status status = Begin(0); !status.ok()) return status;
  }
  const std::string header = NpyHeader(rows_, columns_);
  if (spool_ == nullptr) {
    if (fseeko(out_, start_, SEEK_SET) != 0) return absl::ErrnoToStatus(errno, "seeking");
    if (absl::Status status = WriteTo(out_, header.data(), header.size()); !status.ok()) {
      return status;
    }
    if (fseeko(out_, 0, SEEK_END) != 0) return absl::ErrnoToStatus(errno, "seeking");
  } else {
    if (absl::Status status = WriteTo(out_, header.data(), header.size()); !status.ok()) {
      return status;
    }
    if (std::fflush(spool_) != 0) return absl::ErrnoToStatus(errno, "writing a temporary file");
    std::rewind(spool_);
    constexpr std::size_t kCopyBytes = std::size_t{1} << 16U;
    std::array<char, kCopyBytes> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), spool_)) {
      if (absl::Status status = WriteTo(out_, buffer.data(), got); !status.ok()) return status;
    }
    if (std::ferror(spool_) != 0) return absl::ErrnoToStatus(errno, "reading a temporary file");
  }
  if (std::fflush(out_) != 0) return absl::ErrnoToStatus(errno, "writing");
  return absl::OkStatus();
}

}  // namespace synth::synthctl
