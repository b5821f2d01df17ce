#ifndef SYNTH_SERVER_MODELS_SERVED_MODEL_H_
#define SYNTH_SERVER_MODELS_SERVED_MODEL_H_

#include <memory>
#include <string>

#include "server/models/model_engine.h"
#include "server/models/tbb_executor.h"
#include "server/observe/metrics.h"
#include "server/scheduling/scheduler.h"
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

}  // namespace synth::server

#endif  // SYNTH_SERVER_MODELS_SERVED_MODEL_H_
