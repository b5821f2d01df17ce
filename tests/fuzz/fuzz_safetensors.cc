#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "model/checkpoint/safetensors.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzSafetensors(const std::uint8_t* data, std::size_t size);

namespace {

void Parse(std::string_view file) {
  const auto tensors = synth::ParseSafetensors(file);
  if (!tensors.ok()) return synth::FuzzCheck(!tensors.status().message().empty());
  for (const auto& [name, tensor] : *tensors) {
    synth::FuzzCheck(tensor.bytes.data() >= file.data());
    synth::FuzzCheck(tensor.bytes.data() + tensor.bytes.size() <= file.data() + file.size());
    synth::FuzzCheck(tensor.elements() * synth::SizeOf(tensor.dtype) == tensor.bytes.size());
    const bool floats = tensor.dtype == synth::DType::kF32 || tensor.dtype == synth::DType::kF16 ||
                        tensor.dtype == synth::DType::kBF16;
    if (floats) synth::FuzzCheck(synth::ToFloats(tensor).size() == tensor.elements());
  }
}

}  // namespace

// The input as a file; and, so that a change of the header's length does not hide the rest, the
// input's first line as a header with what follows as data.
int FuzzSafetensors(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Parse(input);
  const std::string_view header = input.substr(0, input.find('\n'));
  const std::uint64_t length = header.size();
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  file += header;
  if (header.size() < input.size()) file += input.substr(header.size() + 1);
  Parse(file);
  return 0;
}
