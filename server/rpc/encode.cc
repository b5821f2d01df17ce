#include "server/rpc/encode.h"

#include <cstddef>

#include "server/rpc/usage.h"
#include "server/rpc/validation.h"
#include "synth/scores.h"

namespace synth::server {
namespace {

Pooling PoolingOf(const v1::EncodeRequest& request, const Model& model) {
  switch (request.pooling()) {
    case v1::POOLING_MEAN:
      return Pooling::kMean;
    case v1::POOLING_CLS:
      return Pooling::kCls;
    case v1::POOLING_MAX:
      return Pooling::kMax;
    default:  // unspecified: CheckOptions has refused what is unknown
      return model.config().pooling;
  }
}

}  // namespace

absl::Status EncodeMethod::CheckOptions(const Request& request, const Model& /*model*/) {
  absl::Status status =
      CheckEnum("pooling", request.pooling(), v1::Pooling_IsValid(request.pooling()));
  if (!status.ok()) return status;
  return CheckEnum("truncation", request.truncation(),
                   v1::Truncation_IsValid(request.truncation()));
}

void EncodeMethod::FillHidden(const Model& model, const Request& request,
                              std::span<const float> hidden, v1::EncodeResult& result) {
  const int width = model.config().hidden_size;
  result.mutable_embedding()->Resize(width, 0.0F);
  const std::span<float> embedding(result.mutable_embedding()->mutable_data(),
                                   static_cast<std::size_t>(width));
  model.Pool(hidden, PoolingOf(request, model), embedding);
  if (request.normalize()) L2Normalize(embedding);
}

void EncodeMethod::FillDone(const Model& /*model*/, const scheduling::Job& job,
                            v1::EncodeResult& result) {
  FillUsage(job, *result.mutable_usage());
}

}  // namespace synth::server
