#ifndef SYNTH_BATCH_H_
#define SYNTH_BATCH_H_

#include <cstdint>
#include <span>

namespace synth {

// The tokens of several texts, one text after the other and without padding: the input of
// Model::Forward. Text b is token_ids[offsets[b] .. offsets[b + 1]).
//
//   const std::vector<std::int32_t> ids = {1, 17, 2, 1, 5, 9, 2};  // [1, 17, 2] and [1, 5, 9, 2]
//   const std::vector<std::int32_t> offsets = {0, 3, 7};
//   const synth::PackedTokens batch = {ids, offsets};
//
// The spans refer to memory of the caller, which must outlive the batch.
struct PackedTokens {
  // [T], each id in [0, V).
  std::span<const std::int32_t> token_ids;
  // [B + 1], strictly rising, from offsets[0] = 0 to offsets[B] = T.
  std::span<const std::int32_t> offsets;
  // [B]: how many tokens of each text, its first ones, have type 0; the rest have type 1. Empty:
  // all have type 0. Only models with two types tell them apart.
  std::span<const std::int32_t> first_segments{};

  int texts() const { return offsets.empty() ? 0 : static_cast<int>(offsets.size()) - 1; }  // B
  int tokens() const { return static_cast<int>(token_ids.size()); }                         // T
};

}  // namespace synth

#endif  // SYNTH_BATCH_H_
