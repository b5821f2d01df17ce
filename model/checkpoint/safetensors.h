#ifndef SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_
#define SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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

// One tensor inside a file that somebody else keeps mapped.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;  // row-major, little endian, at any alignment

  std::size_t elements() const { return bytes.size() / SizeOf(dtype); }
};

using TensorMap = std::map<std::string, TensorView, std::less<>>;

// Reads the bytes of a safetensors file: an 8-byte little-endian header length, a JSON header, the
// data. INVALID_ARGUMENT names the tensor, what was expected and what was found. Every view of the
// result lies inside `file`, no two overlap, and together they cover the data.
absl::StatusOr<TensorMap> ParseSafetensors(std::string_view file);

// The values of an F32, F16 or BF16 tensor; the dtype must be one of these.
std::vector<float> ToFloats(const TensorView& tensor);

}  // namespace synth

#endif  // SYNTH_MODEL_CHECKPOINT_SAFETENSORS_H_
