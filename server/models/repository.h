#ifndef SYNTH_SERVER_MODELS_REPOSITORY_H_
#define SYNTH_SERVER_MODELS_REPOSITORY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/models/served_model.h"
#include "server/models/tbb_executor.h"
#include "server/observe/metrics.h"
#include "server/options.h"
#include "server/scheduling/scheduler.h"
#include "synth/model.h"

namespace synth::server {

// The loaded models by name. Constant after the last Load.
class Repository {
 public:
  // Loads a checkpoint that can be served: one with a tokenizer. RESOURCE_EXHAUSTED where the
  // model, or what it computes with, is too large for the memory; every error names the model.
  absl::Status Load(const Options::ModelSource& source, const LoadOptions& load_options,
                    const scheduling::Scheduler::Options& options, TbbExecutor& executor,
                    Metrics& metrics);

  // The model of that name; the first one loaded for an empty name. NOT_FOUND names those there
  // are.
  absl::StatusOr<ServedModel*> Find(std::string_view name) const;

  const std::vector<std::unique_ptr<ServedModel>>& models() const { return models_; }

 private:
  std::vector<std::unique_ptr<ServedModel>> models_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_REPOSITORY_H_
