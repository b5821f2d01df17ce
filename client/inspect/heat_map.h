// Attention as a picture.
#ifndef SYNTH_CLIENT_INSPECT_HEAT_MAP_H_
#define SYNTH_CLIENT_INSPECT_HEAT_MAP_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace synth::inspect {

// The attention of every head of every layer: a row of cells for each layer, a column for each
// head, white gaps around them. A cell is an n × n matrix, each number a square of pixels: dark
// blue for 0, over green to bright yellow for the cell's own maximum (the colours of viridis).
class HeatMap {
 public:
  static constexpr std::int64_t kGap = 4;        // pixels between cells and around them
  static constexpr std::int64_t kMinCell = 128;  // pixels that a cell has at least on each side

  // INVALID_ARGUMENT where the picture would be too large.
  static absl::StatusOr<HeatMap> Create(int layers, int heads, int tokens);

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  // Pixels on each side of the square of one number.
  std::int64_t scale() const { return scale_; }

  // weights: [H, n, n], not negative.
  void Draw(int layer, std::span<const float> weights);

  // As PNG. The file stays the caller's.
  absl::Status WritePng(std::FILE* file) const;

 private:
  HeatMap(int layers, int heads, int tokens);
  void DrawCell(std::int64_t left, std::int64_t top, std::span<const float> weights);

  const std::int64_t heads_;
  const std::int64_t tokens_;
  const std::int64_t scale_;
  const std::int64_t width_;
  const std::int64_t height_;
  std::vector<std::uint8_t> pixels_;  // [height, width]: indices of colours
};

}  // namespace synth::inspect

#endif  // SYNTH_CLIENT_INSPECT_HEAT_MAP_H_
