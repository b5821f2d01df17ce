#ifndef SYNTH_MODEL_WORKSPACE_H_
#define SYNTH_MODEL_WORKSPACE_H_

#include "model/kernels/aligned_buffer.h"
#include "model/kernels/operand.h"

namespace synth {

// See synth/model.h. Each buffer is named for what it holds; whoever fills it reserves it. Letters
// as in docs/checkpoint.md, with T tokens in the batch and n in the text at work.
class Workspace {
 public:
  // Of a batch.
  AlignedBuffer<float> hidden;     // [T, D]: the residual stream
  AlignedBuffer<float> normed;     // [T, D]: LN(x), where the norm comes first
  AlignedBuffer<float> values;     // [T, D]: x Wvᵀ + bv
  AlignedBuffer<float> mixed;      // [T, D]: softmax(S) · values, heads side by side
  AlignedBuffer<float> projected;  // [T, width]: what the score sources derive from x
  OperandBuffer input;             // [T, D]: what a linear layer multiplies
  // Of a chunk of rows.
  AlignedBuffer<float> inner;  // [rows, F]: inside the feed-forward network
  OperandBuffer inner_input;   // [rows, F]
  // Of one text and head.
  AlignedBuffer<float> weights;       // [n, n]: scores, then exp(scores - max)
  AlignedBuffer<float> reciprocals;   // [n]: 1 / row sum of the weights
  AlignedBuffer<float> factors;       // [n, a + b]: A and B of factorized_dense
  OperandBuffer weights_input;        // [n, n]
  OperandBuffer head_input;           // [n, Dh]: queries, or what dense derives from x
  OperandBuffer keys_input;           // [n, Dh]
  AlignedBuffer<Word> packed_keys;    // kᵀ [Dh, n]
  AlignedBuffer<Word> packed_values;  // v [n, Dh]
};

}  // namespace synth

#endif  // SYNTH_MODEL_WORKSPACE_H_
