#ifndef SYNTH_SERVER_RPC_V1_TOKENIZE_H_
#define SYNTH_SERVER_RPC_V1_TOKENIZE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "server/serving/text_batch.h"
#include "synth/model.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// What is particular to the Tokenize call (see TextCall).
struct TokenizeMethod {
  using Request = v1::TokenizeRequest;
  using Response = v1::TokenizeResponse;

  static absl::StatusOr<TextBatch::Options> MakeOptions(const Request& /*request*/,
                                                        const Model& /*model*/) {
    return TextBatch::Options{.work = TextBatch::Work::kTokenize};
  }
  // The batch itself bounds the token ids.
  static std::int64_t EntriesOf(const Model& /*model*/, const Request& /*request*/,
                                const TextResult& /*text*/) {
    return 0;
  }
  static absl::Status Write(const Model& model, const Request& request, const TextResult& text,
                            v1::TokenizeResult& result);
  static void Complete(const Request& /*request*/, const v1::Timings& /*timings*/,
                       Response& /*response*/) {}
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_TOKENIZE_H_
