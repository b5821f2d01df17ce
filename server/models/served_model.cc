#include "server/models/served_model.h"

#include <utility>

namespace synth::server {

ServedModel::ServedModel(std::string name, std::unique_ptr<const Model> model,
                         const scheduling::Scheduler::Options& options, TbbExecutor& executor,
                         Metrics& metrics)
    : name_(std::move(name)),
      model_(std::move(model)),
      metrics_(metrics.AddModel(name_, model_->info(), options.lanes)),
      engine_(*model_, options.lanes, executor.helpers()),
      scheduler_(options, engine_, executor.turns(), metrics_) {
  engine_.WarmUp(options.max_batch_tokens);
}

}  // namespace synth::server
