#ifndef SYNTH_CLIENT_SYNTHCTL_NPY_H_
#define SYNTH_CLIENT_SYNTHCTL_NPY_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"

namespace synth::synthctl {

// The header of NumPy's format 1.0 for a little-endian float32 array [rows, columns] in C order. As
// long for any number of rows, so that it can be rewritten in place.
std::string NpyHeader(uint64_t rows, uint64_t columns);

// Writes a matrix row by row without knowing how many rows will come. Where the output can seek (a
// file), rows go to it at once and the header is corrected at the end; otherwise (a pipe, or a file
// opened to append) they wait in a temporary file, for the header comes first.
class NpyWriter {
 public:
  // `out` stays the caller's and must outlive this.
  explicit NpyWriter(std::FILE* out);
  ~NpyWriter();
  NpyWriter(const NpyWriter&) = delete;
  NpyWriter& operator=(const NpyWriter&) = delete;

  // The first row sets the number of columns; a row of another length is INVALID_ARGUMENT.
  absl::Status WriteRow(std::span<const float> row);

  // Completes the array; without any row it is [0, 0]. To be called once, last.
  absl::Status Finish();

 private:
  absl::Status WriteTo(std::FILE* file, const void* data, std::size_t bytes) const;
  absl::Status Begin(uint64_t columns);

  std::FILE* const out_;
  const int64_t start_;   // offset of the array in `out_`; negative if it cannot seek
  std::FILE* spool_;      // where the rows wait; null if `out_` can seek
  std::FILE* rows_file_;  // `out_` or `spool_`
  uint64_t columns_ = 0;
  uint64_t rows_ = 0;
  bool begun_ = false;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_NPY_H_
