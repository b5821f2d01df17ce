#include "model/work_split.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "model/kernels/kernels.h"
#include "model/workspace.h"
#include "synth/model.h"

namespace synth {
namespace {

// A smaller piece is not worth waking a thread for.
constexpr Index kMinPieceTokens = 24;

Index ThreadsFor(const Helpers* helpers, Index tokens) {
  if (helpers == nullptr) return 1;
  return std::clamp(tokens / kMinPieceTokens, Index{1}, Index{helpers->threads()});
}

}  // namespace

WorkSplit::WorkSplit(Workspace& workspace, Helpers* helpers, Index tokens)
    : scratch_(*workspace.scratch), helpers_(helpers), threads_(ThreadsFor(helpers, tokens)) {
  const auto threads = static_cast<std::size_t>(helpers != nullptr ? helpers->max_threads() : 1);
  if (scratch_.size() >= threads) return;
  assert(workspace.scratch.use_count() == 1);
  scratch_.resize(threads);
}

void WorkSplit::ForRows(Index rows, absl::FunctionRef<void(Index, Index, Scratch&)> body) {
  const Index tiles = (rows + kRowsOfWholeTiles - 1) / kRowsOfWholeTiles;
  const Index parts = std::min(threads_, tiles);
  Run(parts, [&](Index part, Scratch& scratch) {
    const Index first = tiles * part / parts * kRowsOfWholeTiles;
    const Index last = std::min(tiles * (part + 1) / parts * kRowsOfWholeTiles, rows);
    body(first, last, scratch);
  });
}

void WorkSplit::ForEach(Index count, absl::FunctionRef<void(Index, Scratch&)> body) {
  const Index parts = std::min(threads_, count);
  Run(parts, [&](Index part, Scratch& scratch) {
    for (Index i = count * part / parts; i < count * (part + 1) / parts; ++i) body(i, scratch);
  });
}

void WorkSplit::Run(Index parts, absl::FunctionRef<void(Index, Scratch&)> part) {
  if (helpers_ == nullptr) return part(0, scratch_.front());
  helpers_->Run(static_cast<int>(parts),
                [&](int i, int thread) { part(i, scratch_[static_cast<std::size_t>(thread)]); });
}

}  // namespace synth
