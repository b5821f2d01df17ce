#include "model/layers/pooling.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <span>

#include "synth/config.h"

namespace synth {

void PoolTokens(std::span<const float> hidden, Pooling pooling, std::span<float> pooled) {
  const std::size_t size = pooled.size();
  assert(size > 0 && hidden.size() >= size && hidden.size() % size == 0);
  std::copy_n(hidden.begin(), size, pooled.begin());
  if (pooling == Pooling::kCls) return;
  for (std::size_t row = size; row < hidden.size(); row += size) {
    const float* const x = hidden.data() + row;
    if (pooling == Pooling::kMax) {
      for (std::size_t d = 0; d < size; ++d) pooled[d] = std::max(pooled[d], x[d]);
    } else {
      for (std::size_t d = 0; d < size; ++d) pooled[d] += x[d];
    }
  }
  if (pooling == Pooling::kMax) return;
  const std::size_t tokens = hidden.size() / size;
  for (float& value : pooled) value /= static_cast<float>(tokens);
}

}  // namespace synth
