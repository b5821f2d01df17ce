#ifndef SYNTH_SERVER_RPC_V1_ENCODE_H_
#define SYNTH_SERVER_RPC_V1_ENCODE_H_

#include <span>

#include "absl/status/status.h"
#include "server/scheduling/job.h"
#include "synth/config.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What is particular to the Encode call (see TextCall).
struct EncodeMethod {
  using Request = v1::EncodeRequest;
  using Response = v1::EncodeResponse;
  static constexpr auto kWork = scheduling::JobGroup::Work::kCompute;

  static absl::Status CheckOptions(const Request& request, const Model& model);
  static Pooling PoolingOf(const Request& request, const Model& model);
  static void FillPooled(const Model& model, const Request& request, std::span<float> pooled,
                         v1::EncodeResult& result);
  static void FillDone(const Model& model, const scheduling::Job& job, v1::EncodeResult& result);
  static void SetTimings(const v1::Timings& timings, Response& response) {
    *response.mutable_timings() = timings;
  }
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_ENCODE_H_
