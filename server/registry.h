#ifndef SYNTH_SERVER_REGISTRY_H_
#define SYNTH_SERVER_REGISTRY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/metrics.h"
#include "server/model_engine.h"
#include "server/options.h"
#include "server/scheduling/scheduler.h"
#include "server/tbb_executor.h"
#include "synth/model.h"

namespace synth::server {

// One loaded model with its queue and its lanes. Members are destroyed from the last to the first:
// the scheduler waits for its lanes before what they use goes away.
class ServedModel {
 public:
  ServedModel(std::string name, std::unique_ptr<const Model> model,
              const scheduling::Scheduler::Options& options, TbbExecutor& executor,
              Metrics& metrics);

  const std::string& name() const { return name_; }
  const Model& model() const { return *model_; }
  scheduling::Scheduler& scheduler() { return scheduler_; }
  ModelMetrics& metrics() { return metrics_; }
  // Brings the gauges up to date, before a scrape.
  void RefreshMetrics() const {
    metrics_.SetLoad(scheduler_.load());
    metrics_.SetAttentionBytes(model_->attention_bytes());
  }

 private:
  const std::string name_;
  const std::unique_ptr<const Model> model_;
  ModelMetrics& metrics_;
  ModelEngine engine_;
  scheduling::Scheduler scheduler_;
};

// The loaded models by name. Constant after the last Load.
class Registry {
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

#endif  // SYNTH_SERVER_REGISTRY_H_
