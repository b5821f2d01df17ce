#include "server/models/repository.h"

#include <chrono>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/logging.h"
#include "synth/precision.h"

namespace synth::server {

absl::Status Repository::Load(const Options::ModelSource& source, const LoadOptions& load_options,
                              const scheduling::Scheduler::Options& options, TbbExecutor& executor,
                              Metrics& metrics) try {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<std::unique_ptr<const Model>> model = Model::Load(source.folder, load_options);
  if (!model.ok()) {
    return {model.status().code(),
            absl::StrCat("model '", source.name, "': ", model.status().message())};
  }
  if ((*model)->tokenizer() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("model '", source.name, "': ", source.folder,
                     "/config.json has no \"tokenizer\", and texts are served"));
  }
  const ModelInfo info = (*model)->info();
  models_.push_back(
      std::make_unique<ServedModel>(source.name, *std::move(model), options, executor, metrics));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  Log(spdlog::level::info, "model_loaded",
      {{"model", source.name},
       {"folder", source.folder},
       {"digest", info.digest},
       {"precision", PrecisionName(info.precision)},
       {"instruction_set", info.instruction_set},
       {"parameters", info.parameters},
       {"weight_bytes", info.weight_bytes},
       {"attention_bytes", models_.back()->model().attention_bytes()},
       {"milliseconds", static_cast<std::int64_t>(took.count())}});
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError(
      absl::StrCat("model '", source.name, "': ", source.folder, ": too large for the memory"));
}

namespace {

// What a message shows of a name that a client made up.
std::string Shown(std::string_view name) {
  constexpr std::size_t kMost = 100;
  if (name.size() <= kMost) return std::string(name);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(std::string(name.substr(0, end)), "... (", name.size(), " bytes)");
}

}  // namespace

absl::StatusOr<ServedModel*> Repository::Find(std::string_view name) const {
  if (name.empty() && !models_.empty()) return models_.front().get();
  for (const auto& model : models_) {
    if (model->name() == name) return model.get();
  }
  auto append_name = [](std::string* out, const std::unique_ptr<ServedModel>& model) {
    out->append(model->name());
  };
  return absl::NotFoundError(
      absl::StrCat("model: no model '", Shown(name),
                   "' is loaded; there is: ", absl::StrJoin(models_, ", ", append_name)));
}

}  // namespace synth::server
