#include "server/models/repository.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/clock.h"
#include "server/base/logging.h"
#include "synth/precision.h"
#include "synth/utf8.h"

namespace synth::server {

Repository::Repository()
    : snapshot_(std::make_shared<const Snapshot>()), reaper_([this] { Reap(); }) {}

Repository::~Repository() {
  std::shared_ptr<const Snapshot> last;
  {
    const MutexLock lock(mutex_);
    last = std::move(snapshot_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  last.reset();
  reaper_.join();
}

void Repository::Reap() {
  mutex_.Lock();
  while (!is_stopping_ || alive_ > 0) {
    if (released_.empty()) {
      mutex_.Wait(changed_);
      continue;
    }
    std::unique_ptr<ServedModel> model(released_.back());
    released_.pop_back();
    mutex_.Unlock();
    model.reset();
    mutex_.Lock();
    --alive_;
  }
  mutex_.Unlock();
}

std::shared_ptr<const Repository::Snapshot> Repository::models() const {
  const MutexLock lock(mutex_);
  return snapshot_;
}

absl::Status Repository::Load(const Options::ModelSource& source, const LoadOptions& load_options,
                              const scheduling::Scheduler::Options& options, TbbExecutor& executor,
                              Metrics& metrics) try {
  const auto start = Clock::now();
  if (Find(source.name).ok()) {
    return absl::AlreadyExistsError(absl::StrCat("model '", source.name, "' is loaded already"));
  }
  absl::StatusOr<std::unique_ptr<const Model>> model = Model::Load(source.folder, load_options);
  if (!model.ok()) {
    return {model.status().code(),
            absl::StrCat("model '", source.name, "': ", model.status().message())};
  }
  if ((*model)->tokenizer() == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("model '", source.name, "': ", source.folder,
                     ": no tokenizer, neither in config.json nor as a file, and texts are served"));
  }
  const ModelInfo info = (*model)->info();
  auto served =
      std::make_unique<ServedModel>(source.name, *std::move(model), options, executor, metrics);
  auto bury = [this](ServedModel* released) {
    const MutexLock lock(mutex_);
    released_.push_back(released);
    changed_.notify_all();
  };
  {
    const MutexLock lock(mutex_);
    released_.reserve(++alive_);  // letting go of a handle must not fail for want of memory
    auto next = std::make_shared<Snapshot>(*snapshot_);
    next->emplace_back(served.release(), bury);
    snapshot_ = std::move(next);
  }
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  Log(spdlog::level::info, "model_loaded",
      {{"model", source.name},
       {"folder", source.folder},
       {"digest", info.digest},
       {"precision", ToString(info.precision)},
       {"instruction_set", info.instruction_set},
       {"parameters", info.parameters},
       {"weight_bytes", info.weight_bytes},
       {"attention_bytes", models()->back()->model().attention_bytes()},
       {"milliseconds", static_cast<std::int64_t>(took.count())}});
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError(
      absl::StrCat("model '", source.name, "': ", source.folder, ": too large for the memory"));
}

absl::StatusOr<std::shared_ptr<ServedModel>> Repository::Find(std::string_view name) const {
  const std::shared_ptr<const Snapshot> models = this->models();
  if (name.empty() && !models->empty()) return models->front();
  for (const std::shared_ptr<ServedModel>& model : *models) {
    if (model->name() == name) return model;
  }
  // A status travels in a trailer, whose size clients limit.
  constexpr std::size_t kMost = 8;
  constexpr std::size_t kShownBytes = 100;
  std::string there;
  for (std::size_t i = 0; i < std::min(models->size(), kMost); ++i) {
    absl::StrAppend(&there, i == 0 ? "" : ", ", Excerpt((*models)[i]->name(), kShownBytes));
  }
  if (models->size() > kMost) absl::StrAppend(&there, " and ", models->size() - kMost, " more");
  return absl::NotFoundError(absl::StrCat("model: no model '", Excerpt(name, kShownBytes),
                                          "' is loaded; there is: ", there));
}

}  // namespace synth::server
