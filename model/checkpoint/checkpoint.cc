#include "model/checkpoint/checkpoint.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/layouts/layout.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_files.h"
#include "model/checkpoint/tensor_table.h"
#include "model/strings.h"
#include "synth/config.h"
#include "synth/utf8.h"

namespace synth {
namespace {

constexpr std::string_view kConfigFile = "config.json";
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

std::optional<std::size_t> FirstNonFinite(DType dtype, std::string_view bytes) {
  constexpr std::uint32_t kFloatExponent = 0x7F800000;
  constexpr std::uint16_t kHalfExponent = 0x7C00;
  constexpr std::uint16_t kBfloat16Exponent = 0x7F80;
  if (dtype == DType::kF32) return FirstNonFinite(bytes, kFloatExponent);
  if (dtype == DType::kF16) return FirstNonFinite(bytes, kHalfExponent);
  return FirstNonFinite(bytes, kBfloat16Exponent);
}

// The tensors under their names in the table, less those that the layout leaves out.
absl::StatusOr<TensorEntries> Rename(TensorEntries tensors, const ModelConfig& config) {
  const Layout& layout = LayoutOf(config);
  TensorEntries renamed;
  while (!tensors.empty()) {
    auto tensor = tensors.extract(tensors.begin());
    std::optional<std::string> name = layout.table_name(tensor.key(), config);
    if (!name) continue;
    if (renamed.contains(*name)) {
      return absl::InvalidArgumentError(
          Cat("tensor \"", tensor.key(), "\": expected once, found again under another name"));
    }
    tensor.mapped().name_in_file = std::move(tensor.key());
    tensor.key() = *std::move(name);
    renamed.insert(std::move(tensor));
  }
  return renamed;
}

// Its place in the table, not its values.
absl::Status CheckTensor(const TensorSpec& spec, const TensorEntries& tensors,
                         const TensorFiles& files) {
  const auto found = tensors.find(spec.name);
  if (found == tensors.end()) {
    return InFile(files.path(), absl::InvalidArgumentError(Cat("tensor \"", spec.name,
                                                               "\": missing; expected shape ",
                                                               ToString(spec.shape))));
  }
  const TensorEntry& tensor = found->second;
  const auto error = [&](std::string_view message) {
    return InFile(files.PathOf(tensor), absl::InvalidArgumentError(Cat(
                                            "tensor \"", tensor.name_in_file, "\": ", message)));
  };
  if (tensor.shape != spec.shape) {
    return error(Cat("expected shape ", ToString(spec.shape), ", found ", ToString(tensor.shape)));
  }
  if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16) {
    return error(Cat("expected dtype F32, F16 or BF16, found ", ToString(tensor.dtype)));
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const std::vector<TensorSpec>& table, const TensorEntries& tensors,
                          const TensorFiles& files) {
  std::set<std::string_view> expected;
  for (const TensorSpec& spec : table) {
    if (absl::Status status = CheckTensor(spec, tensors, files); !status.ok()) return status;
    expected.insert(spec.name);
  }
  for (const auto& [name, tensor] : tensors) {
    if (expected.contains(name)) continue;
    return InFile(files.PathOf(tensor),
                  absl::InvalidArgumentError(Cat("tensor \"", tensor.name_in_file, "\" ",
                                                 ToString(tensor.shape),
                                                 " is unexpected: config.json calls for none of "
                                                 "that name")));
  }
  return absl::OkStatus();
}

absl::Status CheckValues(const TensorEntry& tensor, const TensorFiles& files) {
  std::size_t first = 0;  // element of the piece
  return files.Read(tensor, [&](std::string_view piece) -> absl::Status {
    if (const auto index = FirstNonFinite(tensor.dtype, piece)) {
      return InFile(files.PathOf(tensor),
                    absl::InvalidArgumentError(Cat("tensor \"", tensor.name_in_file,
                                                   "\": expected finite numbers, found infinity "
                                                   "or NaN at element ",
                                                   first + *index)));
    }
    first += piece.size() / SizeOf(tensor.dtype);
    return absl::OkStatus();
  });
}

}  // namespace

Checkpoint::Checkpoint(std::string config_json, ModelConfig config, TensorFiles tensor_files,
                       TensorEntries tensors, std::optional<std::string> tokenizer_model,
                       std::vector<FileHash> small_files)
    : config_json_(std::move(config_json)),
      config_(std::move(config)),
      table_(TensorTable(config_)),
      tensor_files_(std::move(tensor_files)),
      tensors_(std::move(tensors)),
      tokenizer_model_(std::move(tokenizer_model)),
      small_files_(std::move(small_files)) {}

absl::StatusOr<Checkpoint> Checkpoint::Open(const std::filesystem::path& folder) {
  Folder files(folder);
  auto config_json = files.Read(kConfigFile);
  if (!config_json.ok()) return config_json.status();
  auto config = ParseConfig(*config_json);
  if (!config.ok()) return InFile(folder / kConfigFile, config.status());
  if (absl::Status status = LayoutOf(*config).read_folder(files, *config); !status.ok()) {
    return status;
  }

  TensorEntries entries;
  auto tensor_files = TensorFiles::Open(files, entries);
  if (!tensor_files.ok()) return tensor_files.status();
  auto tensors = Rename(std::move(entries), *config);
  if (!tensors.ok()) return InFile(tensor_files->path(), tensors.status());
  for (std::size_t i = 0; i < config->projections.size(); ++i) {
    const ProjectionConfig& projection = config->projections[i];
    absl::Status status = tensor_files->AddLinear(files, projection.folder, projection.has_bias,
                                                  Cat("projections.", i, "."), *tensors);
    if (!status.ok()) return status;
  }
  if (absl::Status status = CheckTensors(TensorTable(*config), *tensors, *tensor_files);
      !status.ok()) {
    return status;
  }
  for (const auto& [name, tensor] : *tensors) {
    if (absl::Status status = CheckValues(tensor, *tensor_files); !status.ok()) return status;
  }

  std::optional<std::string> tokenizer_model;
  if (config->tokenizer) {
    auto bytes = files.Read(config->tokenizer->file);
    if (!bytes.ok()) return bytes.status();
    tokenizer_model = *std::move(bytes);
  }
  return Checkpoint(*std::move(config_json), *std::move(config), *std::move(tensor_files),
                    *std::move(tensors), std::move(tokenizer_model), files.hashes());
}

std::string_view Checkpoint::config_json() const {
  std::string_view json = config_json_;
  if (json.starts_with(kByteOrderMark)) json.remove_prefix(kByteOrderMark.size());
  return json;
}

absl::StatusOr<std::string> Checkpoint::ComputeDigest() const {
  const auto tensor_hashes = tensor_files_.Hash();
  if (!tensor_hashes.ok()) return tensor_hashes.status();
  // config.json is the first that is read, and the tokenizer the last.
  std::vector<FileHash> files = small_files_;
  files.insert(files.begin() + 1, tensor_hashes->begin(), tensor_hashes->end());
  return Digest(files);
}

std::vector<float> Checkpoint::Read(std::string_view name) const {
  const auto found = tensors_.find(name);
  assert(found != tensors_.end() && "a layer reads a tensor that the table lacks");
  const TensorEntry& tensor = found->second;
  std::vector<float> values(tensor.elements());
  std::span<float> rest = values;
  if (!read_status_.ok()) return values;
  read_status_ = tensor_files_.Read(tensor, [&rest, &tensor](std::string_view piece) {
    const std::size_t count = piece.size() / SizeOf(tensor.dtype);
    ToFloats(tensor.dtype, piece, rest.first(count));
    rest = rest.subspan(count);
    return absl::OkStatus();
  });
  return values;
}

absl::Status Checkpoint::status() const {
  return read_status_.ok() ? tensor_files_.CheckUnchanged() : read_status_;
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
