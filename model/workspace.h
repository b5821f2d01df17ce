#ifndef SYNTH_MODEL_WORKSPACE_H_
#define SYNTH_MODEL_WORKSPACE_H_

#include <memory>
#include <vector>

#include "model/kernels/aligned_buffer.h"
#include "model/kernels/kernels.h"
#include "model/kernels/operand.h"

namespace synth {

// Each buffer below is named for what it holds; whoever fills it reserves it. Letters as in
// docs/checkpoint.md, with T tokens in the batch and n in the text at work.

// What one thread works with. Rows: a piece of the batch's tokens.
struct Scratch {
  OperandBuffer input;                // [rows, D]: what a linear layer multiplies
  AlignedBuffer<float> inner;         // [rows, F]: inside the feed-forward network
  OperandBuffer inner_input;          // [rows, F]
  AlignedBuffer<float> weights;       // [n, n]: scores, then exp(scores - max)
  AlignedBuffer<float> reciprocals;   // [n]: 1 / row sum of the weights
  AlignedBuffer<float> factors;       // [n, a + b]: A and B of factorized_dense
  OperandBuffer weights_input;        // [n, n]
  OperandBuffer head_input;           // [n, Dh]: queries, or what dense derives from x
  OperandBuffer keys_input;           // [n, Dh]
  AlignedBuffer<Word> packed_keys;    // kᵀ [Dh, n]
  AlignedBuffer<Word> packed_values;  // v [n, Dh]
};

// See synth/model.h.
class Workspace {
 public:
  AlignedBuffer<float> hidden;     // [T, D]: the residual stream
  AlignedBuffer<float> normed;     // [T, D]: LN(x), where the norm comes first
  AlignedBuffer<float> values;     // [T, D]: x Wvᵀ + bv
  AlignedBuffer<float> mixed;      // [T, D]: softmax(S) · values, heads side by side
  AlignedBuffer<float> projected;  // [T, width]: what the score sources derive from x
  // One per thread at work, by its number; grows only where no other workspace shares it.
  std::shared_ptr<std::vector<Scratch>> scratch = std::make_shared<std::vector<Scratch>>();
};

}  // namespace synth

#endif  // SYNTH_MODEL_WORKSPACE_H_
