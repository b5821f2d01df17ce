#include "model/checkpoint/checkpoint.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/mapped_file.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_table.h"
#include "model/strings.h"
#include "synth/config.h"

namespace synth {
namespace {

constexpr std::string_view kConfigFile = "config.json";
constexpr std::string_view kTensorFile = "model.safetensors";

// `status` with the file in front of its message.
absl::Status InFile(const std::filesystem::path& file, const absl::Status& status) {
  return {status.code(), Cat(file.string(), ": ", status.message())};
}

// The index of the first element that is infinite or not a number: all exponent bits are set.
template <typename Bits>
std::optional<std::size_t> FirstNonFinite(std::string_view bytes, Bits exponent_mask) {
  const std::size_t count = bytes.size() / sizeof(Bits);
  for (std::size_t i = 0; i < count; ++i) {
    Bits bits = 0;
    std::memcpy(&bits, bytes.data() + i * sizeof(Bits), sizeof(Bits));
    if ((bits & exponent_mask) == exponent_mask) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> FirstNonFinite(const TensorView& tensor) {
  constexpr std::uint32_t kFloatExponent = 0x7F800000;
  constexpr std::uint16_t kHalfExponent = 0x7C00;
  constexpr std::uint16_t kBfloat16Exponent = 0x7F80;
  if (tensor.dtype == DType::kF32) return FirstNonFinite(tensor.bytes, kFloatExponent);
  if (tensor.dtype == DType::kF16) return FirstNonFinite(tensor.bytes, kHalfExponent);
  return FirstNonFinite(tensor.bytes, kBfloat16Exponent);
}

absl::Status CheckTensor(const TensorSpec& spec, const TensorMap& tensors) {
  const auto error = [&spec](std::string_view message) {
    return absl::InvalidArgumentError(Cat("tensor \"", spec.name, "\": ", message));
  };
  const auto found = tensors.find(spec.name);
  if (found == tensors.end()) {
    return error(Cat("missing; expected shape ", ToString(spec.shape)));
  }
  const TensorView& tensor = found->second;
  if (tensor.shape != spec.shape) {
    return error(Cat("expected shape ", ToString(spec.shape), ", found ", ToString(tensor.shape)));
  }
  if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16) {
    return error(Cat("expected dtype F32, F16 or BF16, found ", ToString(tensor.dtype)));
  }
  if (const auto index = FirstNonFinite(tensor)) {
    return error(Cat("expected finite numbers, found infinity or NaN at element ", *index));
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const std::vector<TensorSpec>& table, const TensorMap& tensors) {
  std::set<std::string_view> expected;
  for (const TensorSpec& spec : table) {
    if (absl::Status status = CheckTensor(spec, tensors); !status.ok()) return status;
    expected.insert(spec.name);
  }
  for (const auto& [name, tensor] : tensors) {
    if (!expected.contains(name)) {
      return absl::InvalidArgumentError(Cat("tensor \"", name, "\" ", ToString(tensor.shape),
                                            " is unexpected: config.json calls for none "
                                            "of that name"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Checkpoint::Checkpoint(MappedFile config_file, ModelConfig config, MappedFile tensor_file,
                       TensorMap tensors, std::optional<MappedFile> tokenizer_file)
    : config_file_(std::move(config_file)),
      config_(std::move(config)),
      table_(TensorTable(config_)),
      tensor_file_(std::move(tensor_file)),
      tensors_(std::move(tensors)),
      tokenizer_file_(std::move(tokenizer_file)) {}

absl::StatusOr<Checkpoint> Checkpoint::Open(const std::filesystem::path& folder) {
  auto config_file = MappedFile::Open(folder / kConfigFile);
  if (!config_file.ok()) return config_file.status();
  auto config = ParseConfig(config_file->bytes());
  if (!config.ok()) return InFile(folder / kConfigFile, config.status());

  auto tensor_file = MappedFile::Open(folder / kTensorFile);
  if (!tensor_file.ok()) return tensor_file.status();
  auto tensors = ParseSafetensors(tensor_file->bytes());
  if (!tensors.ok()) return InFile(folder / kTensorFile, tensors.status());
  if (absl::Status status = CheckTensors(TensorTable(*config), *tensors); !status.ok()) {
    return InFile(folder / kTensorFile, status);
  }
  MappedFile::Forget(tensor_file->bytes());

  std::optional<MappedFile> tokenizer_file;
  if (config->tokenizer) {
    auto file = MappedFile::Open(folder / config->tokenizer->file);
    if (!file.ok()) return file.status();
    tokenizer_file = *std::move(file);
  }
  return Checkpoint(*std::move(config_file), *std::move(config), *std::move(tensor_file),
                    *std::move(tensors), std::move(tokenizer_file));
}

std::optional<std::string_view> Checkpoint::tokenizer_model() const {
  if (!tokenizer_file_) return std::nullopt;
  return tokenizer_file_->bytes();
}

std::string Checkpoint::ComputeDigest() const {
  std::vector<NamedBytes> files = {{kConfigFile, config_file_.bytes()},
                                   {kTensorFile, tensor_file_.bytes()}};
  if (tokenizer_file_) files.push_back({config_.tokenizer->file, tokenizer_file_->bytes()});
  std::string digest = Digest(files);
  MappedFile::Forget(tensor_file_.bytes());
  return digest;
}

std::vector<float> Checkpoint::Read(std::string_view name) const {
  const auto found = tensors_.find(name);
  assert(found != tensors_.end() && "a layer reads a tensor that the table lacks");
  std::vector<float> values = ToFloats(found->second);
  MappedFile::Forget(found->second.bytes);
  return values;
}

TensorScope::TensorScope(const Checkpoint& checkpoint, std::string prefix)
    : checkpoint_(checkpoint), prefix_(std::move(prefix)) {}

TensorScope TensorScope::Below(std::string_view name) const {
  return {checkpoint_, Cat(prefix_, name, ".")};
}

std::vector<float> TensorScope::Read(std::string_view name) const {
  return checkpoint_.Read(Cat(prefix_, name));
}

}  // namespace synth
