#include "model/team.h"

#include <algorithm>
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

Team::Team(Workspace& workspace, Helpers* helpers, Index tokens)
    : workspace_(workspace), helpers_(helpers), threads_(ThreadsFor(helpers, tokens)) {
  const auto threads = static_cast<std::size_t>(threads_);
  if (workspace_.scratch.size() < threads) workspace_.scratch.resize(threads);
}

void Team::ForRows(Index rows, absl::FunctionRef<void(Index, Index, Scratch&)> body) {
  const Index tiles = (rows + kRowsOfWholeTiles - 1) / kRowsOfWholeTiles;
  const Index parts = std::min(threads_, tiles);
  Run(parts, [&](Index part, Scratch& scratch) {
    const Index first = tiles * part / parts * kRowsOfWholeTiles;
    const Index last = std::min(tiles * (part + 1) / parts * kRowsOfWholeTiles, rows);
    body(first, last, scratch);
  });
}

void Team::ForEach(Index count, absl::FunctionRef<void(Index, Scratch&)> body) {
  const Index parts = std::min(threads_, count);
  Run(parts, [&](Index part, Scratch& scratch) {
    for (Index i = count * part / parts; i < count * (part + 1) / parts; ++i) body(i, scratch);
  });
}

void Team::Run(Index parts, absl::FunctionRef<void(Index, Scratch&)> part) {
  if (parts == 1) return part(0, workspace_.scratch.front());
  helpers_->Run(static_cast<int>(parts),
                [&](int i) { part(i, workspace_.scratch[static_cast<std::size_t>(i)]); });
}

}  // namespace synth
