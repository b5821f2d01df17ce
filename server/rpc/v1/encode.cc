#include "server/rpc/v1/encode.h"

#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/usage.h"
#include "server/rpc/v1/validation.h"
#include "synth/postprocess.h"

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
    default:  // unspecified: MakeOptions has refused what is unknown
      return model.config().pooling;
  }
}

bool NormalizeOf(const v1::EncodeRequest& request, const Model& model) {
  return request.has_normalize() ? request.normalize() : model.config().normalize;
}

}  // namespace

absl::StatusOr<TextBatch::Options> EncodeMethod::MakeOptions(const Request& request,
                                                             const Model& model) {
  absl::Status status =
      CheckEnum("pooling", request.pooling(), v1::Pooling_IsValid(request.pooling()));
  if (!status.ok()) return status;
  TextBatch::Options options{.pooling = PoolingOf(request, model)};
  status = SetLongTexts(request, model, options);
  if (!status.ok()) return status;
  return options;
}

// Vectors are bounded by the number of texts.
std::int64_t EncodeMethod::EntriesOf(const Model& /*model*/, const Request& /*request*/,
                                     const TextResult& /*text*/) {
  return 0;
}

void EncodeMethod::Write(const Model& model, const Request& request, const TextResult& text,
                         v1::EncodeResult& result) {
  if (NormalizeOf(request, model)) L2Normalize(text.vector);
  result.mutable_embedding()->Add(text.vector.begin(), text.vector.end());
  FillUsage(text, *result.mutable_usage());
}

}  // namespace synth::server
