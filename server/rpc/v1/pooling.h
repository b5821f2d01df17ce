#ifndef SYNTH_SERVER_RPC_V1_POOLING_H_
#define SYNTH_SERVER_RPC_V1_POOLING_H_

#include "synth/config.h"
#include "synth/v1/inference.pb.h"

namespace synth::server {

// `own` if the request leaves it to the model. `pooling` is known: Pooling_IsValid.
Pooling FromProto(v1::Pooling pooling, Pooling own);
v1::Pooling ToProto(Pooling pooling);

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_POOLING_H_
