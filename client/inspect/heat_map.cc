#include "client/inspect/heat_map.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace synth::inspect {
namespace {

// One colour is the gap's; the others show values.
constexpr std::size_t kColours = 256;
constexpr std::uint8_t kGapColour = 255;
constexpr std::uint8_t kTopColour = 254;

// What common viewers open.
constexpr std::int64_t kMaxSide = 32'767;
constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

using Rgb = std::array<std::uint8_t, 3>;

// Viridis at ten equal steps, whose lightness rises evenly; between them the colours are
// interpolated.
constexpr std::array<Rgb, 10> kViridis = {{{0x44, 0x01, 0x54},
                                           {0x48, 0x28, 0x78},
                                           {0x3E, 0x49, 0x89},
                                           {0x31, 0x68, 0x8E},
                                           {0x26, 0x82, 0x8E},
                                           {0x1F, 0x9E, 0x89},
                                           {0x35, 0xB7, 0x79},
                                           {0x6E, 0xCE, 0x58},
                                           {0xB5, 0xDE, 0x2B},
                                           {0xFD, 0xE7, 0x25}}};

std::array<Rgb, kColours> Colours() {
  std::array<Rgb, kColours> colours = {};
  for (std::size_t i = 0; i <= kTopColour; ++i) {
    const double at = static_cast<double>(i) / kTopColour * (kViridis.size() - 1);
    const std::size_t below = std::min(static_cast<std::size_t>(at), kViridis.size() - 2);
    const double share = at - static_cast<double>(below);
    for (std::size_t c = 0; c < colours[i].size(); ++c) {
      const double from = kViridis[below][c];
      const double to = kViridis[below + 1][c];
      colours[i][c] = static_cast<std::uint8_t>(std::lround(from + share * (to - from)));
    }
  }
  colours[kGapColour] = {0xFF, 0xFF, 0xFF};
  return colours;
}

std::int64_t ScaleFor(std::int64_t tokens) { return (HeatMap::kMinCell + tokens - 1) / tokens; }

std::int64_t Side(std::int64_t cells, std::int64_t tokens) {
  return cells * (tokens * ScaleFor(tokens) + HeatMap::kGap) + HeatMap::kGap;
}

}  // namespace

absl::StatusOr<HeatMap> HeatMap::Create(int layers, int heads, int tokens) {
  const std::int64_t width = Side(heads, tokens);
  const std::int64_t height = Side(layers, tokens);
  if (width > kMaxSide || height > kMaxSide || width * height > kMaxPixels) {
    return absl::InvalidArgumentError(absl::StrCat("a picture of ", layers, " layers and ", heads,
                                                   " heads over ", tokens, " tokens would have ",
                                                   width, " × ", height, " pixels, too many"));
  }
  return HeatMap(layers, heads, tokens);
}

HeatMap::HeatMap(int layers, int heads, int tokens)
    : heads_(heads),
      tokens_(tokens),
      scale_(ScaleFor(tokens)),
      width_(Side(heads, tokens)),
      height_(Side(layers, tokens)),
      pixels_(static_cast<std::size_t>(width_ * height_), kGapColour) {}

void HeatMap::Draw(int layer, std::span<const float> weights) {
  const std::int64_t step = tokens_ * scale_ + kGap;
  const auto cell = static_cast<std::size_t>(tokens_ * tokens_);
  for (std::int64_t head = 0; head < heads_; ++head) {
    DrawCell(kGap + head * step, kGap + layer * step,
             weights.subspan(static_cast<std::size_t>(head) * cell, cell));
  }
}

void HeatMap::DrawCell(std::int64_t left, std::int64_t top, std::span<const float> weights) {
  const float max = *std::max_element(weights.begin(), weights.end());
  for (std::int64_t y = 0; y < tokens_ * scale_; ++y) {
    std::uint8_t* const row = pixels_.data() + (top + y) * width_ + left;
    const float* const values = weights.data() + y / scale_ * tokens_;
    for (std::int64_t j = 0; j < tokens_; ++j) {
      const float share = max > 0 ? values[j] / max : 0;
      const auto colour = static_cast<std::uint8_t>(std::lround(share * kTopColour));
      std::fill_n(row + j * scale_, scale_, colour);
    }
  }
}

absl::Status HeatMap::WritePng(std::FILE* file) const {
  const std::array<Rgb, kColours> colours = Colours();
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width_);
  image.height = static_cast<png_uint_32>(height_);
  image.format = PNG_FORMAT_RGB_COLORMAP;
  image.colormap_entries = kColours;
  if (png_image_write_to_stdio(&image, file, /*convert_to_8_bit=*/0, pixels_.data(),
                               static_cast<png_int_32>(width_), colours.data()) == 0) {
    return absl::UnavailableError(absl::StrCat("writing PNG: ", image.message));
  }
  if (std::fflush(file) != 0) return absl::ErrnoToStatus(errno, "writing PNG");
  return absl::OkStatus();
}

}  // namespace synth::inspect
