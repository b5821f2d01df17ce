#include "client/synthctl/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <future>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/support/files.h"

namespace synth::synthctl {
namespace {

namespace fs = std::filesystem;

// Each test has a folder of its own, in which it works.
class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::current_path(folder_.path()); }
  void TearDown() override { fs::current_path("/"); }

  static mode_t Permissions(const fs::path& file) {
    struct stat info {};
    EXPECT_EQ(stat(file.c_str(), &info), 0) << file;
    return info.st_mode & 07777U;
  }
  static std::size_t Files(const fs::path& folder = ".") {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  static std::string PartialName(const std::string& file) {
    return absl::StrCat(file, ".partial-", getpid());
  }
  // Opens `file`, writes `content` and commits.
  static void Replace(const std::string& file, const std::string& content) {
    auto output = OutputFile::Open(file);
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write(content).ok());
    const absl::Status committed = output->Commit();
    EXPECT_TRUE(committed.ok()) << committed;
  }

 private:
  const TempFolder folder_;
};

TEST_F(OutputFileTest, TakesItsPlaceAtTheEnd) {
  WriteFile("out", "old");
  ASSERT_EQ(chmod("out", 0640), 0);
  {
    auto output = OutputFile::Open("out");
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write("new").ok());
    EXPECT_EQ(ReadFile("out"), "old");
    EXPECT_EQ(ReadFile(PartialName("out")), "new");
    ASSERT_TRUE(output->Commit().ok());
    EXPECT_EQ(ReadFile("out"), "new");
  }
  EXPECT_EQ(ReadFile("out"), "new");
  EXPECT_EQ(Permissions("out"), 0640U);
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, ANewFileHasTheUsualPermissions) {
  const mode_t mask = umask(0026);
  Replace("out", "new");
  umask(mask);
  EXPECT_EQ(ReadFile("out"), "new");
  EXPECT_EQ(Permissions("out"), 0640U);
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, WithoutCommitTheOldFileStays) {
  WriteFile("out", "old");
  for (const char* file : {"out", "other"}) {
    auto output = OutputFile::Open(file);
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write("new").ok());
    OutputFile moved = *std::move(output);  // goes with what it wrote
    ASSERT_TRUE(moved.Write("er").ok());
  }
  EXPECT_EQ(ReadFile("out"), "old");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, WhatIsKeptIsBeside) {
  WriteFile("out", "old");
  std::optional<std::string> kept;
  {
    auto output = OutputFile::Open("out");
    ASSERT_TRUE(output.ok()) << output.status();
    ASSERT_TRUE(output->Write("new").ok());
    kept = output->Keep();
  }
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(fs::path(*kept).filename(), PartialName("out"));
  EXPECT_EQ(ReadFile(*kept), "new");
  EXPECT_EQ(ReadFile("out"), "old");
}

TEST_F(OutputFileTest, FollowsLinksToTheFileThatIsReplaced) {
  fs::create_directory("data");
  WriteFile("data/out", "old");
  fs::create_symlink("out", "data/near");
  fs::create_symlink("data/near", "far");
  fs::create_symlink("data/none", "dangling");
  Replace("far", "new");
  Replace("dangling", "made");
  EXPECT_TRUE(fs::is_symlink("far"));
  EXPECT_TRUE(fs::is_symlink("data/near"));
  EXPECT_FALSE(fs::is_symlink("data/out"));
  EXPECT_EQ(ReadFile("data/out"), "new");
  EXPECT_TRUE(fs::is_symlink("dangling"));
  EXPECT_EQ(ReadFile("data/none"), "made");
  EXPECT_EQ(Files(), 3U);
  EXPECT_EQ(Files("data"), 3U);
}

TEST_F(OutputFileTest, ALoopOfLinksIsAnError) {
  fs::create_symlink("a", "b");
  fs::create_symlink("b", "a");
  const auto output = OutputFile::Open("a");
  EXPECT_EQ(output.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(output.status().message().substr(0, 3), "a: ") << output.status();
}

TEST_F(OutputFileTest, ErrorsNameTheFile) {
  fs::create_directory("folder");
  for (const char* file : {"nowhere/out", "folder", "folder/", "new/"}) {
    const auto output = OutputFile::Open(file);
    EXPECT_EQ(output.status().code(), absl::StatusCode::kFailedPrecondition) << file;
    EXPECT_EQ(output.status().message().find(absl::StrCat(file, ": ")), 0U) << output.status();
  }
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, DevicesAndPipesAreWrittenInPlace) {
  Replace("/dev/null", "gone");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  ASSERT_EQ(mkfifo("fifo", 0600), 0);
  // Opening either end waits for the other.
  std::future<std::string> read = std::async(std::launch::async, [] { return ReadFile("fifo"); });
  Replace("fifo", "through");
  EXPECT_EQ(read.get(), "through");
  EXPECT_TRUE(fs::is_fifo("fifo"));
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, WhatAProcessHasOpenIsWrittenInPlace) {
  fs::create_symlink("/proc/self/fd", "folder");
  for (const char* folder : {"/proc/self/fd", "/dev/fd", "folder"}) {
    WriteFile("open", "old");
    const int descriptor = open("open", O_RDWR | O_CLOEXEC);
    ASSERT_GE(descriptor, 0);
    Replace(absl::StrCat(folder, "/", descriptor), "new");
    char byte = 0;
    EXPECT_EQ(pread(descriptor, &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'n') << folder;
    close(descriptor);
  }
  EXPECT_EQ(Files(), 2U);
}

TEST_F(OutputFileTest, WhatIsLeftOfAnotherProcessIsNotTouched) {
  WriteFile("precious", "theirs");
  fs::create_symlink("precious", PartialName("out"));
  WriteFile(PartialName("out") + ".1", "theirs too");
  Replace("out", "new");
  EXPECT_EQ(ReadFile("out"), "new");
  EXPECT_EQ(ReadFile("precious"), "theirs");
  EXPECT_EQ(ReadFile(PartialName("out") + ".1"), "theirs too");
  EXPECT_EQ(Files(), 4U);
}

TEST_F(OutputFileTest, AFileThatNoOtherFitsBesideIsWrittenInPlace) {
  const std::string name(250, 'x');  // of 255
  WriteFile(name, "old");
  Replace(name, "new");
  EXPECT_EQ(ReadFile(name), "new");
  EXPECT_EQ(Files(), 1U);
}

TEST_F(OutputFileTest, AFileOfSomebodyElseStaysTheirs) {
  if (geteuid() != 0) GTEST_SKIP() << "needs the rights to give a file away";
  WriteFile("out", "old");
  ASSERT_EQ(chown("out", 12345, 54321), 0);
  ASSERT_EQ(chmod("out", 0660), 0);
  Replace("out", "new");
  struct stat info {};
  ASSERT_EQ(stat("out", &info), 0);
  EXPECT_EQ(info.st_uid, 12345U);
  EXPECT_EQ(info.st_gid, 54321U);
  EXPECT_EQ(Permissions("out"), 0660U);
  EXPECT_EQ(ReadFile("out"), "new");
}

TEST_F(OutputFileTest, AResultThatCannotTakeItsPlaceIsNamed) {
  auto output = OutputFile::Open("out");
  ASSERT_TRUE(output.ok()) << output.status();
  ASSERT_TRUE(output->Write("new").ok());
  fs::create_directory("out");
  const absl::Status committed = output->Commit();
  EXPECT_FALSE(committed.ok());
  EXPECT_NE(committed.message().find(PartialName("out")), std::string::npos) << committed;
  output = OutputFile::Open("other");
  EXPECT_EQ(ReadFile(PartialName("out")), "new");
}

TEST_F(OutputFileTest, TheInputIsRefusedByWhateverName) {
  WriteFile("in", "texts");
  fs::create_symlink("in", "symbolic");
  fs::create_hard_link("in", "hard");
  fs::create_directory("folder");
  const auto input = RegularFileId("in");
  ASSERT_TRUE(input.has_value());
  for (const char* file : {"in", "./folder/../in", "symbolic", "hard"}) {
    const auto output = OutputFile::Open(file, input);
    EXPECT_EQ(output.status(),
              absl::InvalidArgumentError(absl::StrCat(file, ": is also the input")));
  }
  EXPECT_EQ(ReadFile("in"), "texts");
  EXPECT_TRUE(OutputFile::Open("out", input).ok());
  EXPECT_FALSE(RegularFileId("/dev/null").has_value());
  EXPECT_TRUE(OutputFile::Open("/dev/null", RegularFileId("/dev/null")).ok());
}

TEST_F(OutputFileTest, TwoNamesOfOneFileAreFound) {
  WriteFile("old", "");
  fs::create_hard_link("old", "hard");
  fs::create_symlink("new", "symbolic");
  fs::create_directory("folder");
  const std::vector<std::vector<std::string>> same = {
      {"old", "hard"}, {"new", "symbolic", "./new", "folder/../new"}};
  for (const auto& names : same) {
    for (const std::string& other : names) {
      EXPECT_TRUE(OutputFile::Open(names[0])->SharesFileWith(*OutputFile::Open(other))) << other;
    }
  }
  EXPECT_FALSE(OutputFile::Open("old")->SharesFileWith(*OutputFile::Open("new")));
  EXPECT_FALSE(OutputFile::Open("new")->SharesFileWith(*OutputFile::Open("newer")));
}

}  // namespace
}  // namespace synth::synthctl
