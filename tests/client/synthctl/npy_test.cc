#include "client/synthctl/npy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace synth::synthctl {
namespace {

void WriteRows(std::FILE* out, const std::vector<std::vector<float>>& rows) {
  NpyWriter writer(out);
  for (const std::vector<float>& row : rows) ASSERT_TRUE(writer.WriteRow(row).ok());
  ASSERT_TRUE(writer.Finish().ok());
}

const std::vector<std::vector<float>> kRows = {{1.5F, -2.0F, 3.25F}, {0.0F, 1e-30F, 4e30F}};

TEST(Npy, HeaderIsAsTheFormatSays) {
  const std::string header = NpyHeader(5, 256);
  ASSERT_EQ(header.size(), 128U);
  EXPECT_EQ(header.substr(0, 6), "\x93NUMPY");
  EXPECT_EQ(header[6], 1);
  EXPECT_EQ(header[7], 0);
  EXPECT_EQ(header[8], 118);
  EXPECT_EQ(header[9], 0);
  EXPECT_EQ(header.substr(10, 63),
            "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 256), }  ");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_EQ(NpyHeader(UINT64_MAX, UINT64_MAX).size(), 128U);
}

TEST(Npy, APipeGetsTheSameBytesAsAFile) {
  const std::string file = ScratchFile("rows.npy");
  std::FILE* seekable = std::fopen(file.c_str(), "wbe");
  WriteRows(seekable, kRows);
  std::fclose(seekable);

  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  std::FILE* pipe_out = fdopen(ends[1], "wb");
  WriteRows(pipe_out, kRows);
  std::fclose(pipe_out);
  std::array<char, 1024> buffer{};
  const ssize_t got = read(ends[0], buffer.data(), buffer.size());
  close(ends[0]);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(buffer.data(), static_cast<size_t>(got)), ReadFile(file));
  EXPECT_EQ(ReadFile(file).size(), 128 + 6 * sizeof(float));
}

TEST(Npy, WritesBehindWhatIsThereAlready) {
  for (const char* mode : {"wbe", "abe"}) {
    const std::string file = ScratchFile("behind.npy");
    std::remove(file.c_str());
    std::FILE* out = std::fopen(file.c_str(), mode);
    std::fputs("before", out);
    std::fflush(out);
    WriteRows(out, kRows);
    std::fputs("after", out);
    std::fclose(out);
    const std::string content = ReadFile(file);
    EXPECT_EQ(content.substr(0, 6), "before");
    EXPECT_EQ(content.substr(6, 128), NpyHeader(2, 3));
    EXPECT_EQ(content.substr(content.size() - 5), "after");
  }
}

TEST(Npy, ARowOfAnotherLengthIsRefused) {
  std::FILE* out = std::tmpfile();
  NpyWriter writer(out);
  EXPECT_TRUE(writer.WriteRow(kRows[0]).ok());
  EXPECT_EQ(writer.WriteRow(std::vector<float>{1.0F}).code(), absl::StatusCode::kInvalidArgument);
  std::fclose(out);
}

TEST(Npy, ADiskThatIsFullIsAnError) {
  std::FILE* out = std::fopen("/dev/full", "wbe");
  if (out == nullptr) GTEST_SKIP() << "no /dev/full here";
  NpyWriter writer(out);
  const absl::Status written = writer.WriteRow(kRows[0]);
  const absl::Status finished = writer.Finish();
  EXPECT_FALSE(written.ok() && finished.ok());
  std::fclose(out);
}

TEST(Npy, NumpyReadsIt) {
  if (std::system("/usr/bin/python3 -c 'import numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "no numpy here";
  }
  const std::string file = ScratchFile("numpy.npy");
  std::FILE* out = std::fopen(file.c_str(), "wbe");
  WriteRows(out, kRows);
  std::fclose(out);
  const std::string empty = ScratchFile("empty.npy");
  out = std::fopen(empty.c_str(), "wbe");
  WriteRows(out, {});
  std::fclose(out);
  const std::string script =
      "import numpy; a = numpy.load('" + file +
      "'); assert a.dtype == numpy.float32 and a.flags.c_contiguous and a.shape == (2, 3), a;"
      "assert (a == numpy.array([[1.5, -2, 3.25], [0, 1e-30, 4e30]], 'float32')).all(), a;"
      "assert numpy.load('" +
      empty + "').shape == (0, 0)";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + script + "\"").c_str()), 0);
}

}  // namespace
}  // namespace synth::synthctl
