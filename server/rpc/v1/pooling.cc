#include "server/rpc/v1/pooling.h"

#include <array>
#include <utility>

namespace synth::server {
namespace {

constexpr std::array kPoolings = {std::pair{v1::POOLING_MEAN, Pooling::kMean},
                                  std::pair{v1::POOLING_CLS, Pooling::kCls},
                                  std::pair{v1::POOLING_MAX, Pooling::kMax},
                                  std::pair{v1::POOLING_MEAN_SQRT_LEN, Pooling::kMeanSqrtLen},
                                  std::pair{v1::POOLING_WEIGHTED_MEAN, Pooling::kWeightedMean},
                                  std::pair{v1::POOLING_LAST_TOKEN, Pooling::kLastToken}};

}  // namespace

Pooling FromProto(v1::Pooling pooling, Pooling own) {
  for (const auto& [proto, ours] : kPoolings) {
    if (proto == pooling) return ours;
  }
  return own;
}

v1::Pooling ToProto(Pooling pooling) {
  for (const auto& [proto, ours] : kPoolings) {
    if (ours == pooling) return proto;
  }
  return v1::POOLING_UNSPECIFIED;
}

}  // namespace synth::server
