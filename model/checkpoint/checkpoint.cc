#include "model/checkpoint/checkpoint.h"

#include <algorithm>
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
#include <system_error>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/input_file.h"
#include "model/checkpoint/layouts/layout.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor_table.h"
#include "model/strings.h"
#include "synth/config.h"
#include "synth/utf8.h"

namespace synth {
namespace {

constexpr std::string_view kConfigFile = "config.json";
constexpr std::string_view kTensorFile = "model.safetensors";

// The tensor file, open. If there is none, the error says which other form the folder has.
absl::StatusOr<InputFile> OpenTensorFile(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kTensorFile;
  auto file = InputFile::Open(path);
  if (!absl::IsNotFound(file.status())) return file;
  const auto has = [&folder](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(folder / name, ignored);
  };
  for (const char* const index : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    if (!has(index)) continue;
    return absl::NotFoundError(Cat(path.string(), ": expected all tensors in this one file, found ",
                                   index, ": a checkpoint in shards, which must be joined"));
  }
  if (has("pytorch_model.bin")) {
    return absl::NotFoundError(Cat(path.string(), ": expected the tensors in this file, found ",
                                   "pytorch_model.bin, which must be converted to safetensors"));
  }
  return file;
}

absl::StatusOr<TensorEntries> ReadTensorHeader(const std::filesystem::path& path,
                                               const InputFile& file) {
  constexpr std::uint64_t kFirstBytes = 64;  // enough to know a Git LFS pointer
  std::string first(std::min(file.size(), kFirstBytes), '\0');
  if (absl::Status status = file.ReadAt(0, first); !status.ok()) return status;
  if (absl::Status status = CheckNoPointer(path, first); !status.ok()) return status;
  const auto length =
      SafetensorsHeaderLength(first.substr(0, kSafetensorsLengthBytes), file.size());
  if (!length.ok()) return InFile(path, length.status());
  std::string header(*length, '\0');
  if (absl::Status status = file.ReadAt(kSafetensorsLengthBytes, header); !status.ok()) {
    return status;
  }
  auto entries = ParseSafetensorsHeader(header, file.size());
  if (!entries.ok()) return InFile(path, entries.status());
  return entries;
}

// Calls visit(piece) for the bytes [offset, offset + size) of a file, piece by piece; every piece
// but the last is kPieceBytes long. Stops at the first error.
constexpr std::uint64_t kPieceBytes = 1 << 18;

absl::Status ReadPieces(const InputFile& file, std::uint64_t offset, std::uint64_t size,
                        absl::FunctionRef<absl::Status(std::string_view)> visit) {
  std::string piece(std::min(size, kPieceBytes), '\0');
  for (std::uint64_t done = 0; done < size; done += piece.size()) {
    piece.resize(std::min(size - done, kPieceBytes));
    if (absl::Status status = file.ReadAt(offset + done, piece); !status.ok()) return status;
    if (absl::Status status = visit(piece); !status.ok()) return status;
  }
  return absl::OkStatus();
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
    tensor.key() = *std::move(name);
    renamed.insert(std::move(tensor));
  }
  return renamed;
}

// Its place in the table, not its values.
absl::Status CheckTensor(const TensorSpec& spec, const TensorEntries& tensors) {
  const auto error = [&spec](std::string_view message) {
    return absl::InvalidArgumentError(Cat("tensor \"", spec.name, "\": ", message));
  };
  const auto found = tensors.find(spec.name);
  if (found == tensors.end()) {
    return error(Cat("missing; expected shape ", ToString(spec.shape)));
  }
  const TensorEntry& tensor = found->second;
  if (tensor.shape != spec.shape) {
    return error(Cat("expected shape ", ToString(spec.shape), ", found ", ToString(tensor.shape)));
  }
  if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kF16 && tensor.dtype != DType::kBF16) {
    return error(Cat("expected dtype F32, F16 or BF16, found ", ToString(tensor.dtype)));
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const std::vector<TensorSpec>& table, const TensorEntries& tensors) {
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

absl::Status CheckValues(std::string_view name, const TensorEntry& tensor, const InputFile& file) {
  std::size_t first = 0;  // element of the piece
  return ReadPieces(file, tensor.offset, tensor.bytes, [&](std::string_view piece) -> absl::Status {
    if (const auto index = FirstNonFinite(tensor.dtype, piece)) {
      return absl::InvalidArgumentError(Cat(file.path().string(), ": tensor \"", name,
                                            "\": expected finite numbers, found ",
                                            "infinity or NaN at element ", first + *index));
    }
    first += piece.size() / SizeOf(tensor.dtype);
    return absl::OkStatus();
  });
}

}  // namespace

Checkpoint::Checkpoint(std::string config_json, ModelConfig config, InputFile tensor_file,
                       TensorEntries tensors, std::optional<std::string> tokenizer_model,
                       std::vector<FileHash> small_files)
    : config_json_(std::move(config_json)),
      config_(std::move(config)),
      table_(TensorTable(config_)),
      tensor_file_(std::move(tensor_file)),
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

  const std::filesystem::path tensor_path = folder / kTensorFile;
  auto tensor_file = OpenTensorFile(folder);
  if (!tensor_file.ok()) return tensor_file.status();
  auto entries = ReadTensorHeader(tensor_path, *tensor_file);
  if (!entries.ok()) return entries.status();
  auto tensors = Rename(*std::move(entries), *config);
  if (!tensors.ok()) return InFile(tensor_path, tensors.status());
  if (absl::Status status = CheckTensors(TensorTable(*config), *tensors); !status.ok()) {
    return InFile(tensor_path, status);
  }
  for (const auto& [name, tensor] : *tensors) {
    if (absl::Status status = CheckValues(name, tensor, *tensor_file); !status.ok()) return status;
  }

  std::optional<std::string> tokenizer_model;
  if (config->tokenizer) {
    auto bytes = files.Read(config->tokenizer->file);
    if (!bytes.ok()) return bytes.status();
    tokenizer_model = *std::move(bytes);
  }
  return Checkpoint(*std::move(config_json), *std::move(config), *std::move(tensor_file),
                    *std::move(tensors), std::move(tokenizer_model), files.hashes());
}

std::string_view Checkpoint::config_json() const {
  std::string_view json = config_json_;
  if (json.starts_with(kByteOrderMark)) json.remove_prefix(kByteOrderMark.size());
  return json;
}

absl::StatusOr<std::string> Checkpoint::ComputeDigest() const {
  Sha256 tensor_hash;
  absl::Status status =
      ReadPieces(tensor_file_, 0, tensor_file_.size(), [&tensor_hash](std::string_view piece) {
        tensor_hash.Add(piece);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  // config.json is the first that is read, and the tokenizer the last.
  std::vector<FileHash> files = small_files_;
  files.insert(files.begin() + 1, FileHash{std::string(kTensorFile), tensor_hash.Finish()});
  return Digest(files);
}

std::vector<float> Checkpoint::Read(std::string_view name) const {
  const auto found = tensors_.find(name);
  assert(found != tensors_.end() && "a layer reads a tensor that the table lacks");
  const TensorEntry& tensor = found->second;
  std::vector<float> values(tensor.elements());
  std::span<float> rest = values;
  if (!read_status_.ok()) return values;
  read_status_ = ReadPieces(tensor_file_, tensor.offset, tensor.bytes,
                            [&rest, &tensor](std::string_view piece) {
                              const std::size_t count = piece.size() / SizeOf(tensor.dtype);
                              ToFloats(tensor.dtype, piece, rest.first(count));
                              rest = rest.subspan(count);
                              return absl::OkStatus();
                            });
  return values;
}

absl::Status Checkpoint::status() const {
  return read_status_.ok() ? tensor_file_.CheckUnchanged() : read_status_;
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
