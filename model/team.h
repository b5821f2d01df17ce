#ifndef SYNTH_MODEL_TEAM_H_
#define SYNTH_MODEL_TEAM_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"
#include "synth/model.h"

namespace synth {

// The threads of one forward pass: the caller's, and those of the helpers where there are any. How
// work is divided among them changes no result, because no row, and no head of a text, depends on
// which others are computed beside it.
class Team {
 public:
  // helpers may be null. Makes the workspace's scratch.
  Team(Workspace& workspace, Helpers* helpers, Index tokens);

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

#endif  // SYNTH_MODEL_TEAM_H_
