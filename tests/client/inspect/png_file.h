#ifndef SYNTH_TESTS_CLIENT_INSPECT_PNG_FILE_H_
#define SYNTH_TESTS_CLIENT_INSPECT_PNG_FILE_H_

#include <gtest/gtest.h>
#include <png.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace synth::inspect {

// A PNG as libpng reads it.
class Png {
 public:
  explicit Png(const std::string& file) {
    png_image image = {};
    image.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_file(&image, file.c_str()), 0) << image.message;
    image.format = PNG_FORMAT_RGB;
    width = static_cast<std::int64_t>(image.width);
    height = static_cast<std::int64_t>(image.height);
    pixels_.resize(PNG_IMAGE_SIZE(image));
    EXPECT_NE(png_image_finish_read(&image, nullptr, pixels_.data(), 0, nullptr), 0)
        << image.message;
  }

  using Rgb = std::array<int, 3>;
  Rgb At(std::int64_t x, std::int64_t y) const {
    const std::uint8_t* const pixel = pixels_.data() + (y * width + x) * 3;
    return {pixel[0], pixel[1], pixel[2]};
  }

  std::int64_t width = 0;
  std::int64_t height = 0;

 private:
  std::vector<std::uint8_t> pixels_;
};

inline constexpr Png::Rgb kWhite = {0xFF, 0xFF, 0xFF};
inline constexpr Png::Rgb kDarkest = {0x44, 0x01, 0x54};
inline constexpr Png::Rgb kBrightest = {0xFD, 0xE7, 0x25};

}  // namespace synth::inspect

#endif  // SYNTH_TESTS_CLIENT_INSPECT_PNG_FILE_H_
