#ifndef SYNTH_MODEL_WORKSPACE_H_
#define SYNTH_MODEL_WORKSPACE_H_

#include "model/kernels/float_buffer.h"

namespace synth {

// See synth/model.h. Each buffer is named for what it holds; whoever fills it reserves it. Letters
// as in docs/checkpoint.md, with T tokens in the batch and n in the text at work.
class Workspace {
 public:
  // Of a batch.
  FloatBuffer hidden;     // [T, D]: the residual stream
  FloatBuffer normed;     // [T, D]: LN(x), where the norm comes first
  FloatBuffer update;     // [T, D]: what a sublayer adds to the residual stream
  FloatBuffer values;     // [T, D]: x Wvᵀ + bv
  FloatBuffer mixed;      // [T, D]: softmax(S) · values, heads side by side
  FloatBuffer projected;  // [T, width]: what the score sources derive from x
  // Of a chunk of rows.
  FloatBuffer inner;  // [rows, F]: inside the feed-forward network
  // Of one text and head.
  FloatBuffer weights;        // [n, n]: scores, then exp(scores - max)
  FloatBuffer reciprocals;    // [n]: 1 / row sum of the weights
  FloatBuffer factors;        // [n, a + b]: A and B of factorized_dense
  FloatBuffer packed_keys;    // kᵀ [Dh, n]
  FloatBuffer packed_values;  // v [n, Dh]
};

}  // namespace synth

#endif  // SYNTH_MODEL_WORKSPACE_H_
