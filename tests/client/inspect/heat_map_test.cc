#include "client/inspect/heat_map.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/client/inspect/png_file.h"
#include "tests/model/test_checkpoint.h"

namespace synth::inspect {
namespace {

TEST(HeatMap, DrawsCellsWithGapsEachOnItsOwnScale) {
  auto map = HeatMap::Create(2, 2, 2);
  ASSERT_TRUE(map.ok()) << map.status();
  const std::int64_t scale = map->scale();
  EXPECT_EQ(scale, HeatMap::kMinCell / 2);
  EXPECT_EQ(map->width(), 4 * scale + 3 * HeatMap::kGap);
  map->Draw(0, std::vector<float>{1, 0, 0, 0.5F, 0, 0.25F, 0, 0});
  map->Draw(1, std::vector<float>{0, 0, 0, 0, 0.5F, 0.5F, 0.5F, 0.5F});
  const TempFolder folder;
  const std::string file = (folder.path() / "map.png").string();
  std::FILE* const out = std::fopen(file.c_str(), "wb");
  ASSERT_TRUE(map->WritePng(out).ok());
  std::fclose(out);

  const Png png(file);
  ASSERT_EQ(png.width, map->width());
  ASSERT_EQ(png.height, map->height());
  const auto at = [&](int layer, int head, int i, int j) {
    const std::int64_t step = 2 * scale + HeatMap::kGap;
    return png.At(HeatMap::kGap + head * step + j * scale,
                  HeatMap::kGap + layer * step + i * scale);
  };
  EXPECT_EQ(at(0, 0, 0, 0), kBrightest);
  EXPECT_EQ(at(0, 0, 0, 1), kDarkest);
  EXPECT_EQ(at(0, 1, 0, 1), kBrightest);
  EXPECT_EQ(at(0, 1, 1, 1), kDarkest);
  EXPECT_EQ(at(1, 0, 0, 0), kDarkest);  // all zeros
  EXPECT_EQ(at(1, 1, 1, 0), kBrightest);
  const Png::Rgb half = at(0, 0, 1, 1);  // viridis at 1/2: a blue-green
  EXPECT_NEAR(half[0], 0x22, 3);
  EXPECT_NEAR(half[1], 0x90, 3);
  EXPECT_NEAR(half[2], 0x8C, 3);
  EXPECT_EQ(png.At(0, 0), kWhite);
  EXPECT_EQ(png.At(HeatMap::kGap + 2 * scale, HeatMap::kGap), kWhite);
  EXPECT_EQ(png.At(png.width - 1, png.height - 1), kWhite);
}

TEST(HeatMap, RefusesAPictureThatIsTooLarge) {
  EXPECT_EQ(HeatMap::Create(96, 64, 4096).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(HeatMap, ReportsAFullDisk) {
  const auto map = HeatMap::Create(4, 4, 128);
  ASSERT_TRUE(map.ok());
  std::FILE* const out = std::fopen("/dev/full", "wb");
  ASSERT_NE(out, nullptr);
  EXPECT_FALSE(map->WritePng(out).ok());
  std::fclose(out);
}

}  // namespace
}  // namespace synth::inspect
