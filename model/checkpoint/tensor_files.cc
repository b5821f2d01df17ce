#include "model/checkpoint/tensor_files.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/folder.h"
#include "model/checkpoint/input_file.h"
#include "model/checkpoint/json.h"
#include "model/checkpoint/json_object.h"
#include "model/checkpoint/safetensors.h"
#include "model/strings.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr std::string_view kTensorFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";
// Each is a file descriptor while the checkpoint is open.
constexpr std::size_t kMaxShards = 256;

absl::StatusOr<TensorEntries> ReadHeader(const InputFile& file) {
  constexpr std::uint64_t kFirstBytes = 64;  // enough to know a Git LFS pointer
  std::string first(std::min(file.size(), kFirstBytes), '\0');
  if (absl::Status status = file.ReadAt(0, first); !status.ok()) return status;
  if (absl::Status status = CheckNoPointer(file.path(), first); !status.ok()) return status;
  const auto length =
      SafetensorsHeaderLength(first.substr(0, kSafetensorsLengthBytes), file.size());
  if (!length.ok()) return InFile(file.path(), length.status());
  std::string header(*length, '\0');
  if (absl::Status status = file.ReadAt(kSafetensorsLengthBytes, header); !status.ok()) {
    return status;
  }
  auto entries = ParseSafetensorsHeader(header, file.size());
  if (!entries.ok()) return InFile(file.path(), entries.status());
  return entries;
}

// The bytes [offset, offset + size) of a file, piece by piece; every piece but the last is
// kPieceBytes long.
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

// weight_map of the index: which shard each tensor is in.
using WeightMap = std::map<std::string, std::string, std::less<>>;

absl::StatusOr<WeightMap> ReadWeightMap(const json& index) {
  if (!index.is_object()) return absl::InvalidArgumentError("expected a JSON object");
  const json* const value = Find(index, "weight_map");
  if (value == nullptr || !value->is_object() || value->empty()) {
    return KeyError("weight_map", "an object of tensors and the files that they are in", value);
  }
  WeightMap weight_map;
  for (const auto& [tensor, file] : value->items()) {
    if (!file.is_string() || !IsPlainFileName(file.get_ref<const std::string&>())) {
      return KeyError(Cat("weight_map.", Excerpt(tensor)), "the name of a file in the folder",
                      &file);
    }
    weight_map.emplace(tensor, file.get<std::string>());
  }
  return weight_map;
}

// Every tensor of a shard is one that the index says is there.
absl::Status CheckPlaces(const TensorEntries& entries, std::string_view shard,
                         const WeightMap& weight_map) {
  for (const auto& [name, tensor] : entries) {
    const auto place = weight_map.find(name);
    if (place != weight_map.end() && place->second == shard) continue;
    return absl::InvalidArgumentError(
        Cat("tensor ", Excerpt(name), ": expected ",
            place == weight_map.end() ? "in no file" : Cat("in ", Excerpt(place->second)), ", as ",
            kIndexFile, " says, found here"));
  }
  return absl::OkStatus();
}

// `missing`, or what to do about the file that lies in the place of `prefix`model.safetensors.
absl::Status ExplainMissing(const Folder& folder, std::string_view prefix, absl::Status missing) {
  for (const std::string_view torch : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (!folder.Has(Cat(prefix, torch))) continue;
    return absl::NotFoundError(Cat((folder.path() / Cat(prefix, kTensorFile)).string(),
                                   ": expected the tensors in this file, found ", torch,
                                   ", which must be converted to safetensors"));
  }
  return missing;
}

}  // namespace

absl::StatusOr<TensorFiles> TensorFiles::Open(Folder& folder, TensorEntries& entries) {
  const bool in_shards = !folder.Has(kTensorFile) && folder.Has(kIndexFile);
  TensorFiles files(folder.path() / (in_shards ? kIndexFile : kTensorFile));
  absl::Status status = in_shards
                            ? files.OpenShards(folder, entries)
                            : Store(files.Add(folder.path(), std::string(kTensorFile)), entries);
  if (absl::IsNotFound(status) && !in_shards) {
    return ExplainMissing(folder, "", std::move(status));
  }
  if (!status.ok()) return status;
  return files;
}

absl::Status TensorFiles::AddLinear(const Folder& folder, std::string_view module, bool has_bias,
                                    std::string_view prefix, TensorEntries& entries) {
  const std::string file = Cat(module, "/", kTensorFile);
  auto found = Add(folder.path(), file);
  if (absl::IsNotFound(found.status())) {
    return ExplainMissing(folder, Cat(module, "/"), found.status());
  }
  if (!found.ok()) return found.status();
  for (const std::string_view name : {"weight", "bias"}) {
    if (name == "bias" && !has_bias) continue;
    auto tensor = found->extract(Cat("linear.", name));
    if (tensor.empty()) {
      return InFile(folder.path() / file,
                    absl::InvalidArgumentError(Cat("tensor \"linear.", name, "\": missing")));
    }
    tensor.mapped().name_in_file = std::move(tensor.key());
    entries.emplace(Cat(prefix, name), std::move(tensor.mapped()));
  }
  if (found->empty()) return absl::OkStatus();
  return InFile(folder.path() / file,
                absl::InvalidArgumentError(Cat("tensor ", Excerpt(found->begin()->first),
                                               " is unexpected: config.json calls for none of that "
                                               "name")));
}

absl::StatusOr<TensorEntries> TensorFiles::Add(const std::filesystem::path& folder,
                                               std::string name) {
  auto file = InputFile::Open(folder / name);
  if (!file.ok()) return file.status();
  auto entries = ReadHeader(*file);
  if (!entries.ok()) return entries.status();
  for (auto& [tensor, entry] : *entries) entry.file = files_.size();
  files_.push_back({.name = std::move(name), .file = *std::move(file)});
  return entries;
}

absl::Status TensorFiles::OpenShards(Folder& folder, TensorEntries& entries) {
  const auto index = folder.ReadJsonIfThere(kIndexFile);
  if (!index.ok()) return index.status();
  const auto weight_map = ReadWeightMap(index->value_or(json()));
  if (!weight_map.ok()) return InFile(path_, weight_map.status());
  std::set<std::string_view> shards;
  for (const auto& [tensor, shard] : *weight_map) shards.insert(shard);
  if (shards.size() > kMaxShards) {
    return InFile(path_, absl::InvalidArgumentError(Cat("weight_map: expected at most ", kMaxShards,
                                                        " files, found ", shards.size())));
  }
  for (const std::string_view shard : shards) {
    auto in_shard = Add(folder.path(), std::string(shard));
    if (absl::IsNotFound(in_shard.status())) {
      return InFile(folder.path() / shard,
                    absl::NotFoundError(Cat("missing, but ", kIndexFile, " names it")));
    }
    if (!in_shard.ok()) return in_shard.status();
    if (absl::Status status = CheckPlaces(*in_shard, shard, *weight_map); !status.ok()) {
      return InFile(folder.path() / shard, status);
    }
    entries.merge(*in_shard);
  }
  for (const auto& [tensor, shard] : *weight_map) {
    if (entries.contains(tensor)) continue;
    return InFile(folder.path() / shard,
                  absl::InvalidArgumentError(Cat("tensor ", Excerpt(tensor), ": expected here, as ",
                                                 kIndexFile, " says, found nothing")));
  }
  return absl::OkStatus();
}

const std::filesystem::path& TensorFiles::PathOf(const TensorEntry& tensor) const {
  return files_[tensor.file].file.path();
}

absl::Status TensorFiles::Read(const TensorEntry& tensor,
                               absl::FunctionRef<absl::Status(std::string_view)> visit) const {
  return ReadPieces(files_[tensor.file].file, tensor.offset, tensor.bytes, visit);
}

absl::StatusOr<std::vector<FileHash>> TensorFiles::Hash() const {
  std::vector<FileHash> hashes;
  for (const auto& [name, file] : files_) {
    Sha256 hash;
    absl::Status status = ReadPieces(file, 0, file.size(), [&hash](std::string_view piece) {
      hash.Add(piece);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    hashes.push_back({name, hash.Finish()});
  }
  return hashes;
}

absl::Status TensorFiles::CheckUnchanged() const {
  absl::Status status;
  for (const auto& [name, file] : files_) status.Update(file.CheckUnchanged());
  return status;
}

}  // namespace synth
