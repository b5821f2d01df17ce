#ifndef SYNTH_SERVER_MODELS_REPOSITORY_H_
#define SYNTH_SERVER_MODELS_REPOSITORY_H_

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/base/mutex.h"
#include "server/models/served_model.h"
#include "server/models/tbb_executor.h"
#include "server/observe/metrics.h"
#include "server/options.h"
#include "server/scheduling/scheduler.h"
#include "synth/model.h"

namespace synth::server {

// The loaded models by name. Find copies a handle out of an immutable snapshot, so loading never
// waits for calls. When the last handle is let go, on any thread, the model is destroyed on the
// repository's own thread. Its destructor waits for lanes and must therefore not run on one.
// Thread-safe.
class Repository {
 public:
  using Snapshot = std::vector<std::shared_ptr<ServedModel>>;  // in the order of loading

  Repository();
  // Waits until every handle has been let go.
  ~Repository();
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;

  // Loads a checkpoint that can be served: one with a tokenizer. RESOURCE_EXHAUSTED if the model,
  // or what it computes with, is too large for the memory; ALREADY_EXISTS if a model of that name
  // is loaded. Every error names the model.
  absl::Status Load(const Options::ModelSource& source, const LoadOptions& load_options,
                    const scheduling::Scheduler::Options& options, TbbExecutor& executor,
                    Metrics& metrics);

  // The model of that name, or the first one loaded if the name is empty. The message of NOT_FOUND
  // names the first few models that are loaded.
  absl::StatusOr<std::shared_ptr<ServedModel>> Find(std::string_view name) const;

  std::shared_ptr<const Snapshot> models() const;

 private:
  // Destroys models whose last handle is gone.
  void Reap();

  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Snapshot> snapshot_ SYNTH_GUARDED_BY(mutex_);
  std::vector<ServedModel*> released_ SYNTH_GUARDED_BY(mutex_);
  std::size_t alive_ SYNTH_GUARDED_BY(mutex_) = 0;  // models that are not yet destroyed
  bool is_stopping_ SYNTH_GUARDED_BY(mutex_) = false;
  std::thread reaper_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_REPOSITORY_H_
