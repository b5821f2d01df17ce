#include "server/rpc/v1/encode.h"

#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "synth/postprocess.h"

namespace synth::server {

absl::Status EncodeMethod::CheckOptions(const Request& request, const Model& model) {
  absl::Status status =
      CheckEnum("pooling", request.pooling(), v1::Pooling_IsValid(request.pooling()));
  if (!status.ok()) return status;
  return CheckLongTexts(request, model);
}

Pooling EncodeMethod::PoolingOf(const Request& request, const Model& model) {
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

void EncodeMethod::FillPooled(const Model& /*model*/, const Request& request,
                              std::span<float> pooled, v1::EncodeResult& result) {
  if (request.normalize()) L2Normalize(pooled);
  result.mutable_embedding()->Add(pooled.begin(), pooled.end());
}

void EncodeMethod::FillDone(const Model& /*model*/, const scheduling::Job& job,
                            v1::EncodeResult& result) {
  FillUsage(job, *result.mutable_usage());
}

}  // namespace synth::server
