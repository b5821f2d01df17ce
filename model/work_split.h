#ifndef SYNTH_MODEL_WORK_SPLIT_H_
#define SYNTH_MODEL_WORK_SPLIT_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"
#include "synth/model.h"

namespace synth {

// Divides the work of one forward pass among threads: the caller's, and those of the helpers if
// there are any. The division changes no result, because no row, and no head of a text, depends on
// which others are computed beside it.
class WorkSplit {
 public:
  // helpers may be null. Makes the workspace's scratch.
  WorkSplit(Workspace& workspace, Helpers* helpers, Index tokens);

  // body(first, last, scratch) for pieces of 0 .. rows that cover it.
  void ForRows(Index rows, absl::FunctionRef<void(Index, Index, Scratch&)> body);
  // body(i, scratch) for i = 0 .. count - 1.
  void ForEach(Index count, absl::FunctionRef<void(Index, Scratch&)> body);

 private:
  void Run(Index parts, absl::FunctionRef<void(Index, Scratch&)> part);

  std::vector<Scratch>& scratch_;
  Helpers* const helpers_;
  const Index threads_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_WORK_SPLIT_H_
