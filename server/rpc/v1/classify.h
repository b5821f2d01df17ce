#ifndef SYNTH_SERVER_RPC_V1_CLASSIFY_H_
#define SYNTH_SERVER_RPC_V1_CLASSIFY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/serving/text_batch.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What is particular to the Classify call (see TextCall).
struct ClassifyMethod {
  using Request = v1::ClassifyRequest;
  using Response = v1::ClassifyResponse;

  static absl::StatusOr<TextBatch::Options> MakeOptions(const Request& request, const Model& model);
  static std::int64_t EntriesOf(const Model& model, const Request& request, const TextResult& text);
  static absl::Status Write(const Model& model, const Request& request, const TextResult& text,
                            v1::ClassifyResult& result);
  static void Complete(const Request& /*request*/, const v1::Timings& timings, Response& response) {
    *response.mutable_timings() = timings;
  }
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_CLASSIFY_H_
