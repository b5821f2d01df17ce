#ifndef SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_
#define SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synth {

enum class DType { kBool, kU8, kI8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64 };

std::string_view ToString(DType dtype);
std::size_t SizeOf(DType dtype);  // bytes

// "[2, 3]"
std::string ToString(const std::vector<std::int64_t>& shape);

// Where a tensor lies in a file, and what it holds.
struct TensorEntry {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  // of its first byte, from the begin of the file
  std::uint64_t bytes = 0;
  std::size_t file = 0;        // of a checkpoint in shards, which one
  std::string name_in_file{};  // for error messages; a checkpoint has other names for its tensors

  std::size_t elements() const { return bytes / SizeOf(dtype); }
};

using TensorEntries = std::map<std::string, TensorEntry, std::less<>>;

// A safetensors file is an 8-byte little-endian length, a JSON header of that length, and the data.
inline constexpr std::size_t kSafetensorsLengthBytes = 8;

// The length of the header, from the first bytes of a file: 8, or all of a shorter file.
// INVALID_ARGUMENT if the file is too short for its header, or the header too long for the format.
absl::StatusOr<std::uint64_t> SafetensorsHeaderLength(std::string_view first_bytes,
                                                      std::uint64_t file_size);

// Reads the header of a file of `file_size` bytes. INVALID_ARGUMENT names the tensor, what was
// expected and what was found. Every entry lies inside the file, no two overlap, and together they
// cover the data.
absl::StatusOr<TensorEntries> ParseSafetensorsHeader(std::string_view header,
                                                     std::uint64_t file_size);

// The values of `bytes`, little endian at any alignment, as floats. F32, F16 or BF16 only;
// values.size() elements.
void ToFloats(DType dtype, std::string_view bytes, std::span<float> values);

// One tensor of a file that somebody else keeps in memory.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;  // row-major, little endian, at any alignment

  std::size_t elements() const { return bytes.size() / SizeOf(dtype); }
};

using TensorMap = std::map<std::string, TensorView, std::less<>>;

// The same for a file in memory. The views lie inside `file`.
absl::StatusOr<TensorMap> ParseSafetensors(std::string_view file);

// The values of an F32, F16 or BF16 tensor; the dtype must be one of these.
std::vector<float> ToFloats(const TensorView& tensor);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_
