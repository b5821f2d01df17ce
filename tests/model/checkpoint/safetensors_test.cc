#include "model/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view file) {
  const auto tensors = ParseSafetensors(file);
  return tensors.ok() ? "" : std::string(tensors.status().message());
}

std::string ErrorOf(std::string_view header, std::string_view data) {
  return ErrorOf(SafetensorsBytes(header, data));
}

std::string Entry(std::string_view name, std::string_view rest) {
  return "\"" + std::string(name) + "\":{" + std::string(rest) + "}";
}

TEST(Safetensors, ReadsWhatWasWritten) {
  const std::string file =
      SafetensorsBytes({{"a", {{2, 2}, {1, 2, 3, 4}}}, {"b", {{3}, {5, 6, 7}}}});
  const auto tensors = ParseSafetensors(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->size(), 2U);
  EXPECT_EQ(tensors->at("a").shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(ToFloats(tensors->at("a")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(ToFloats(tensors->at("b")), (std::vector<float>{5, 6, 7}));
}

TEST(Safetensors, NullIsNoMetadata) { EXPECT_EQ(ErrorOf(R"({"__metadata__":null})", ""), ""); }

TEST(Safetensors, ReadsMetadataScalarsAndEmptyTensors) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},)" +
      Entry("scalar", R"("dtype":"I64","shape":[],"data_offsets":[0,8])") + "," +
      Entry("empty", R"("dtype":"F32","shape":[0,4],"data_offsets":[8,8])") + "}   ";
  const std::string file = SafetensorsBytes(header, std::string(8, '\1'));
  const auto tensors = ParseSafetensors(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->at("scalar").elements(), 1U);
  EXPECT_TRUE(ToFloats(tensors->at("empty")).empty());
}

TEST(Safetensors, ConvertsHalves) {
  const std::string header = "{" + Entry("h", R"("dtype":"F16","shape":[2],"data_offsets":[0,4])") +
                             "," +
                             Entry("b", R"("dtype":"BF16","shape":[1],"data_offsets":[4,6])") + "}";
  const std::vector<std::uint16_t> bits = {0x3C00, 0xC100, 0x4049};
  const std::string_view data(reinterpret_cast<const char*>(bits.data()), 6);
  const std::string file = SafetensorsBytes(header, data);
  const auto tensors = ParseSafetensors(file);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(ToFloats(tensors->at("h")), (std::vector<float>{1.0F, -2.5F}));
  EXPECT_EQ(ToFloats(tensors->at("b")), (std::vector<float>{3.140625F}));
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string file = SafetensorsBytes(
      {{"a", {{16, 2}, std::vector<float>(32)}}, {"b", {{33}, std::vector<float>(33)}}});
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(ErrorOf(std::string_view(file).substr(0, size)), HasSubstr("truncated")) << size;
  }
}

TEST(Safetensors, HeaderLength) {
  EXPECT_THAT(ErrorOf("1234567"), HasSubstr("truncated: expected a header length of 8 bytes"));
  std::string huge(64, '\0');
  const std::uint64_t over_limit = 100'000'001;
  std::memcpy(huge.data(), &over_limit, sizeof(over_limit));
  EXPECT_THAT(ErrorOf(huge), HasSubstr("more than the allowed 100000000"));
  const std::uint64_t all_bits = ~std::uint64_t{0};
  std::memcpy(huge.data(), &all_bits, sizeof(all_bits));
  EXPECT_THAT(ErrorOf(huge), HasSubstr("more than the allowed 100000000"));
  const std::uint64_t beyond = 57;
  std::memcpy(huge.data(), &beyond, sizeof(beyond));
  EXPECT_THAT(ErrorOf(huge), HasSubstr("truncated: expected a header of 57 bytes, found 56"));
}

TEST(Safetensors, HeaderJson) {
  EXPECT_THAT(ErrorOf("{\"a\":", ""), HasSubstr("header: expected JSON"));
  EXPECT_THAT(ErrorOf("", ""), HasSubstr("header: expected JSON"));
  EXPECT_THAT(ErrorOf("[]", ""), HasSubstr("expected a JSON object"));
  EXPECT_THAT(ErrorOf(std::string(100'000, '['), ""), HasSubstr("nesting deeper than 32"));
  EXPECT_THAT(ErrorOf(R"({"a":1e999})", ""), HasSubstr("header: expected JSON"));
  EXPECT_THAT(ErrorOf(R"({"a":1})", ""), HasSubstr("tensor \"a\": expected an object, found 1"));
  EXPECT_THAT(ErrorOf(R"({"__metadata__":{"a":1}})", ""),
              HasSubstr("__metadata__: expected an object of strings"));
  const std::string entry = Entry("a", R"("dtype":"U8","shape":[0],"data_offsets":[0,0])");
  EXPECT_THAT(ErrorOf("{" + entry + "," + entry + "}", ""), HasSubstr("\"a\" is there twice"));
}

TEST(Safetensors, DType) {
  EXPECT_THAT(ErrorOf("{" + Entry("a", R"("shape":[1],"data_offsets":[0,4])") + "}", "1234"),
              HasSubstr("tensor \"a\": dtype is missing"));
  EXPECT_THAT(
      ErrorOf("{" + Entry("a", R"("dtype":"F8","shape":[1],"data_offsets":[0,4])") + "}", "1234"),
      HasSubstr("unknown dtype \"F8\""));
  EXPECT_THAT(
      ErrorOf("{" + Entry("a", R"("dtype":7,"shape":[1],"data_offsets":[0,4])") + "}", "1234"),
      HasSubstr("unknown dtype 7"));
}

TEST(Safetensors, Shape) {
  const auto error = [](std::string_view shape) {
    return ErrorOf(
        "{" + Entry("a", R"("dtype":"F32","data_offsets":[0,4],)" + std::string(shape)) + "}",
        "1234");
  };
  EXPECT_EQ(error(R"("shape":[1,1])"), "");
  EXPECT_THAT(error(R"("x":0)"), HasSubstr("shape is missing"));
  EXPECT_THAT(error(R"("shape":4)"), HasSubstr("shape: expected an array, found 4"));
  EXPECT_THAT(error(R"("shape":[-1])"), HasSubstr("found -1"));
  EXPECT_THAT(error(R"("shape":[1.0])"), HasSubstr("found 1.0"));
  EXPECT_THAT(error(R"("shape":[18446744073709551615])"), HasSubstr("shape: expected integers"));
  EXPECT_THAT(error(R"("shape":[4294967296,4294967296])"), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(error(R"("shape":[4611686018427387904])"), HasSubstr("overflows 64 bits"));
  EXPECT_THAT(error(R"("shape":[2])"), HasSubstr("F32 [2] takes 8 bytes, but data_offsets span 4"));
}

TEST(Safetensors, Offsets) {
  const auto error = [](std::string_view offsets) {
    return ErrorOf("{" + Entry("a", R"("dtype":"U8","shape":[4],)" + std::string(offsets)) + "}",
                   "1234");
  };
  EXPECT_EQ(error(R"("data_offsets":[0,4])"), "");
  EXPECT_THAT(error(R"("x":0)"), HasSubstr("data_offsets is missing"));
  EXPECT_THAT(error(R"("data_offsets":[0])"), HasSubstr("expected two integers"));
  EXPECT_THAT(error(R"("data_offsets":[-4,0])"), HasSubstr("expected two integers"));
  EXPECT_THAT(error(R"("data_offsets":[4,0])"), HasSubstr("end before they begin"));
  EXPECT_THAT(error(R"("data_offsets":[1,5])"), HasSubstr("out of bounds"));
  EXPECT_THAT(error(R"("data_offsets":[18446744073709551612,18446744073709551615])"),
              HasSubstr("out of bounds"));
}

TEST(Safetensors, OverlapsAndHoles) {
  const auto error = [](std::string_view a, std::string_view b, std::string_view data) {
    const auto entry = [](std::string_view name, std::string_view offsets) {
      return Entry(name, R"("dtype":"U8","shape":[4],"data_offsets":)" + std::string(offsets));
    };
    return ErrorOf("{" + entry("a", a) + "," + entry("b", b) + "}", data);
  };
  EXPECT_EQ(error("[4,8]", "[0,4]", "12345678"), "");
  EXPECT_THAT(error("[0,4]", "[2,6]", "123456"), HasSubstr("\"b\": overlaps"));
  EXPECT_THAT(error("[0,4]", "[0,4]", "1234"), HasSubstr("overlaps"));
  EXPECT_THAT(error("[0,4]", "[6,10]", "1234567890"),
              HasSubstr("hole before it: bytes 4 to 6 belong to no tensor"));
  EXPECT_THAT(error("[1,5]", "[5,9]", "123456789"), HasSubstr("hole before it: bytes 0 to 1"));
  EXPECT_THAT(error("[0,4]", "[4,8]", "123456789"), HasSubstr("hole at the end: bytes 8 to 9"));
}

}  // namespace
}  // namespace synth
