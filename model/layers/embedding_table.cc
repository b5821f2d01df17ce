#include "model/layers/embedding_table.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace synth {
namespace {

// The upper half of a float, rounded to nearest even. x: finite.
std::uint16_t ToBfloat16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

float FromBfloat16(std::uint16_t x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16U);
}

}  // namespace

EmbeddingTable::EmbeddingTable(std::vector<float> rows, bool as_bfloat16) {
  if (!as_bfloat16) {
    rows_ = std::move(rows);
    return;
  }
  std::vector<std::uint16_t> halves(rows.size());
  std::transform(rows.begin(), rows.end(), halves.begin(), ToBfloat16);
  rows_ = std::move(halves);
}

void EmbeddingTable::Copy(std::size_t index, std::span<float> row) const {
  const std::size_t first = index * row.size();
  if (const auto* const halves = std::get_if<std::vector<std::uint16_t>>(&rows_)) {
    std::transform(halves->data() + first, halves->data() + first + row.size(), row.begin(),
                   FromBfloat16);
  } else {
    std::copy_n(std::get<std::vector<float>>(rows_).data() + first, row.size(), row.begin());
  }
}

std::size_t EmbeddingTable::bytes() const {
  return std::visit([](const auto& rows) { return rows.size() * sizeof(rows[0]); }, rows_);
}

}  // namespace synth
