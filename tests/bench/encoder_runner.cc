// Runs one checkpoint's encoder under a script's orders (compare_runtimes.py): a line of JSON in,
// a line of JSON out.
//   {"do": "batch", "token_ids": FILE, "lengths": [n, ...]}  -> {"tokens": T}
//       the batch that the other commands run; FILE holds the texts' ids one behind the other,
//       int32
//   {"do": "time", "warmup": w, "iterations": i}             -> {"seconds": [...]}
//       what each of i calls of Model::Forward took, after w that are not timed
//   {"do": "hidden", "file": FILE}                           -> {"tokens": T}
//       writes the hidden states, float32 [T, D], as .npy
// A command that cannot be carried out is answered by {"error": "..."}. At the start comes a line
// that describes the model; the end of the input ends the program.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/synthctl/npy.h"
#include "synth/model.h"
#include "synth/precision.h"

namespace synth {
namespace {

using nlohmann::json;

// The whole of `path` as int32; there must be `count` of them.
absl::StatusOr<std::vector<std::int32_t>> ReadIds(const std::string& path, std::size_t count) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
  if (bytes != count * sizeof(std::int32_t)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected ", count, " int32 token ids, found ", bytes, " bytes"));
  }
  std::vector<std::int32_t> ids(count);
  file.read(reinterpret_cast<char*>(ids.data()), static_cast<std::streamsize>(bytes));
  if (!file) return absl::UnavailableError(absl::StrCat(path, ": cannot be read"));
  return ids;
}

absl::Status WriteNpy(const std::string& path, std::span<const float> values, std::size_t columns) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             &std::fclose);
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": cannot be created"));
  synthctl::NpyWriter writer(file.get());
  for (std::size_t begin = 0; begin < values.size(); begin += columns) {
    if (absl::Status status = writer.WriteRow(values.subspan(begin, columns)); !status.ok()) {
      return status;
    }
  }
  return writer.Finish();
}

// One model and its current batch.
class Runner {
 public:
  // `model` must outlive this.
  explicit Runner(const Model& model) : model_(model), workspace_(model.MakeWorkspace()) {}

  // Carries out a command; what went wrong is in the answer.
  json Answer(const std::string& line) {
    try {
      const json command = json::parse(line);
      absl::StatusOr<json> answer = Do(command.at("do").get<std::string>(), command);
      if (answer.ok()) return *std::move(answer);
      return {{"error", answer.status().ToString()}};
    } catch (const json::exception& error) {
      return {{"error", absl::StrCat(line, ": ", error.what())}};
    }
  }

 private:
  absl::StatusOr<json> Do(const std::string& what, const json& command) {
    if (what == "batch") return SetBatch(command);
    if (offsets_.empty()) return absl::FailedPreconditionError("no batch has been set");
    if (what == "time") return Time(command);
    if (what == "hidden") return WriteHidden(command);
    return absl::InvalidArgumentError(
        absl::StrCat("do: expected batch, time or hidden, found ", what));
  }

  absl::StatusOr<json> SetBatch(const json& command) {
    std::vector<std::int32_t> offsets = {0};
    for (const json& text : command.at("lengths")) {
      const auto length = text.get<std::int32_t>();
      if (length < 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("lengths: expected at least 1, found ", length));
      }
      offsets.push_back(offsets.back() + length);
    }
    absl::StatusOr<std::vector<std::int32_t>> ids = ReadIds(
        command.at("token_ids").get<std::string>(), static_cast<std::size_t>(offsets.back()));
    if (!ids.ok()) return ids.status();
    absl::Status valid = model_.Validate({.token_ids = *ids, .offsets = offsets});
    if (!valid.ok()) return valid;
    token_ids_ = *std::move(ids);
    offsets_ = std::move(offsets);
    return json{{"tokens", token_ids_.size()}};
  }

  absl::StatusOr<json> Time(const json& command) {
    using Clock = std::chrono::steady_clock;
    const auto warmup = command.at("warmup").get<int>();
    const auto iterations = command.at("iterations").get<int>();
    if (warmup < 0 || iterations < 1) {
      return absl::InvalidArgumentError(absl::StrCat("expected iterations of at least 1, found ",
                                                     iterations, " after ", warmup, " of warmup"));
    }
    std::vector<double> seconds(static_cast<std::size_t>(iterations));
    for (int i = 0; i < warmup; ++i) Forward();
    for (double& duration : seconds) {
      const Clock::time_point start = Clock::now();
      Forward();
      duration = std::chrono::duration<double>(Clock::now() - start).count();
    }
    return json{{"seconds", seconds}};
  }

  absl::StatusOr<json> WriteHidden(const json& command) {
    absl::Status status = WriteNpy(command.at("file").get<std::string>(), Forward(),
                                   static_cast<std::size_t>(model_.config().hidden_size));
    if (!status.ok()) return status;
    return json{{"tokens", token_ids_.size()}};
  }

  std::span<const float> Forward() {
    return model_.Forward({.token_ids = token_ids_, .offsets = offsets_}, *workspace_);
  }

  const Model& model_;
  const WorkspacePtr workspace_;
  std::vector<std::int32_t> token_ids_;  // [T]
  std::vector<std::int32_t> offsets_;    // [B + 1]; empty before the first batch
};

int Fail(const absl::Status& status) {
  std::cerr << "encoder_runner: " << status << '\n';
  return 1;
}

int Run(int argc, char** argv) {
  CLI::App app(
      "Runs a checkpoint's encoder: commands in, figures out (see the head of the source).");
  std::string folder;
  std::string precision = "f32";
  app.add_option("--model", folder, "checkpoint folder")->required();
  app.add_option("--precision", precision, "f32, bf16, int8 or auto")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto parsed = ParsePrecision(precision);
  if (!parsed.ok()) return Fail(parsed.status());
  const auto model = Model::Load(folder, {.precision = *parsed});
  if (!model.ok()) return Fail(model.status());
  const ModelInfo& info = (*model)->info();
  std::cout << json{{"digest", info.digest},
                    {"precision", ToString(info.precision)},
                    {"instruction_set", info.instruction_set},
                    {"weight_bytes", info.weight_bytes}}
            << std::endl;
  Runner runner(**model);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << runner.Answer(line) << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace synth

int main(int argc, char** argv) {
  try {
    return synth::Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "encoder_runner: " << error.what() << '\n';
    return 1;
  }
}
