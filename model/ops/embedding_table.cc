#include "model/ops/embedding_table.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "synth/half.h"

namespace synth {
EmbeddingTable::EmbeddingTable(std::vector<float> rows, bool as_bfloat16) {
  if (!as_bfloat16) {
    rows_ = std::move(rows);
    return;
  }
  std::vector<std::uint16_t> halves(rows.size());
  std::transform(rows.begin(), rows.end(), halves.begin(), FloatToBfloat16);
  rows_ = std::move(halves);
}

void EmbeddingTable::Copy(std::size_t index, std::span<float> row) const {
  const std::size_t first = index * row.size();
  if (const auto* const halves = std::get_if<std::vector<std::uint16_t>>(&rows_)) {
    std::transform(halves->data() + first, halves->data() + first + row.size(), row.begin(),
                   Bfloat16ToFloat);
  } else {
    std::copy_n(std::get<std::vector<float>>(rows_).data() + first, row.size(), row.begin());
  }
}

std::size_t EmbeddingTable::bytes() const {
  return std::visit([](const auto& rows) { return rows.size() * sizeof(rows[0]); }, rows_);
}

}  // namespace synth
