#ifndef SYNTH_MODEL_OPS_EMBEDDING_TABLE_H_
#define SYNTH_MODEL_OPS_EMBEDDING_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace synth {

// Rows of numbers, [V, D]: as floats, or as bfloat16 in half the memory.
class EmbeddingTable {
 public:
  EmbeddingTable(std::vector<float> rows, bool as_bfloat16);

  // row: [D]
  void Copy(std::size_t index, std::span<float> row) const;

  std::size_t bytes() const;

 private:
  std::variant<std::vector<float>, std::vector<std::uint16_t>> rows_;
};

}  // namespace synth

#endif  // SYNTH_MODEL_OPS_EMBEDDING_TABLE_H_
