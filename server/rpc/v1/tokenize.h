#ifndef SYNTH_SERVER_RPC_V1_TOKENIZE_H_
#define SYNTH_SERVER_RPC_V1_TOKENIZE_H_

#include <span>

#include "absl/status/status.h"
#include "server/scheduling/job.h"
#include "synth/config.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What is particular to the Tokenize call (see TextCall).
struct TokenizeMethod {
  using Request = v1::TokenizeRequest;
  using Response = v1::TokenizeResponse;
  static constexpr auto kWork = scheduling::JobGroup::Work::kTokenize;

  static absl::Status CheckOptions(const Request& /*request*/, const Model& /*model*/) {
    return absl::OkStatus();
  }
  // Never called: the jobs are done once they are tokenized.
  static Pooling PoolingOf(const Request& /*request*/, const Model& model) {
    return model.config().pooling;
  }
  static void FillPooled(const Model& /*model*/, const Request& /*request*/,
                         std::span<float> /*pooled*/, v1::TokenizeResult& /*result*/) {}
  static void FillDone(const Model& model, const scheduling::Job& job, v1::TokenizeResult& result);
  static void SetTimings(const v1::Timings& /*timings*/, Response& /*response*/) {}
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_TOKENIZE_H_
