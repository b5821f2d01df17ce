#include "model/checkpoint/folder.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/digest.h"
#include "model/checkpoint/input_file.h"
#include "model/checkpoint/json.h"
#include "model/strings.h"
#include "synth/utf8.h"

namespace synth {
namespace {

// The largest are tokenizers: tokenizer.json of XLM-R has 17 MB.
constexpr std::uint64_t kMaxBytes = 64U << 20;

}  // namespace

absl::Status InFile(const std::filesystem::path& file, const absl::Status& status) {
  return {status.code(), Cat(file.string(), ": ", status.message())};
}

absl::Status CheckNoPointer(const std::filesystem::path& path, std::string_view first_bytes) {
  constexpr std::string_view kPointer = "version https://git-lfs.github.com/spec/";
  if (!first_bytes.starts_with(kPointer)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Cat(path.string(), ": expected the file itself, found a Git LFS pointer to it ",
          "(`git lfs pull` fetches it)"));
}

bool IsPlainFileName(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  return std::ranges::none_of(
      name, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

absl::StatusOr<std::string> Folder::Read(std::string_view name) {
  const std::filesystem::path path = path_ / name;
  const auto file = InputFile::Open(path);
  if (!file.ok()) return file.status();
  if (file->size() > kMaxBytes) {
    return absl::InvalidArgumentError(
        Cat(path.string(), ": expected at most ", kMaxBytes, " bytes, found ", file->size()));
  }
  auto bytes = file->ReadAll();
  if (!bytes.ok()) return bytes.status();
  if (absl::Status status = CheckNoPointer(path, *bytes); !status.ok()) return status;
  hashes_.push_back({std::string(name), Sha256Hex(*bytes)});
  return bytes;
}

absl::StatusOr<std::optional<nlohmann::json>> Folder::ReadJsonIfThere(std::string_view name) {
  if (!Has(name)) return std::optional<nlohmann::json>();
  const auto text = Read(name);
  if (!text.ok()) return text.status();
  std::string_view json = *text;
  if (json.starts_with(kByteOrderMark)) json.remove_prefix(kByteOrderMark.size());
  auto value = ParseJson(json);
  if (!value.ok()) return InFile(path_ / name, value.status());
  return std::make_optional(*std::move(value));
}

bool Folder::Has(std::string_view name) const {
  std::error_code ignored;
  return std::filesystem::exists(std::filesystem::symlink_status(path_ / name, ignored));
}

}  // namespace synth
