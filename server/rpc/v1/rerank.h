#ifndef SYNTH_SERVER_RPC_V1_RERANK_H_
#define SYNTH_SERVER_RPC_V1_RERANK_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/serving/text_batch.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What is particular to the Rerank call (see TextCall).
struct RerankMethod {
  using Request = v1::RerankRequest;
  using Response = v1::RerankResponse;

  static absl::StatusOr<TextBatch::Options> MakeOptions(const Request& request, const Model& model);
  // Scores are bounded by the number of texts.
  static std::int64_t EntriesOf(const Model& /*model*/, const Request& /*request*/,
                                const TextResult& /*text*/) {
    return 0;
  }
  static absl::Status Write(const Model& model, const Request& request, const TextResult& text,
                            v1::RerankResult& result);
  // Sorts the results, which came in the order of the texts.
  static void Complete(const Request& request, const v1::Timings& timings, Response& response);
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_RERANK_H_
