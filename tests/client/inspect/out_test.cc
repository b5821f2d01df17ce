// Where synthctl inspect writes, and that the checkpoint and either output survive.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/client/synthctl/program.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth::inspect {
namespace {

namespace fs = std::filesystem;

using client::Outcome;

const std::string kModel = paths::SourcePath("tests/golden/random").string();

Outcome Inspect(const std::string& arguments, const std::string& output = "") {
  return client::RunSynthctl("unused", "inspect " + arguments, output);
}

TEST(InspectOut, RefusesOneFileForPictureAndReport) {
  const TempFolder folder;
  const std::string png = folder.path() / "a.png";
  const std::string hard = folder.path() / "hard";
  fs::create_symlink("a.png", folder.path() / "symbolic");
  const auto refused = [&png](const Outcome& outcome) {
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.err, "synthctl: --png and --out are one file, " + png + "\n");
  };
  // There is no such file yet, then there is.
  for (const char* other : {"a.png", "symbolic", "./a.png"}) {
    refused(
        Inspect(absl::StrCat(kModel, " --png ", png, " --out ", (folder.path() / other).string())));
  }
  EXPECT_FALSE(fs::exists(png));
  WriteFile(png, "old");
  fs::create_hard_link(png, hard);
  refused(Inspect(kModel + " --png " + png + " --out " + hard));
  refused(Inspect(kModel + " --png " + png, ">> " + hard));
  EXPECT_EQ(ReadFile(png), "old");
}

TEST(InspectOut, RefusesThePartsOfTheCheckpoint) {
  const TempFolder folder;
  fs::copy(kModel, folder.path(), fs::copy_options::recursive);
  const std::string config = ReadFile(folder.path() / "config.json");
  for (const char* part : {"config.json", "model.safetensors"}) {
    const std::string file = folder.path() / part;
    for (const char* option : {" --out ", " --png "}) {
      const Outcome outcome = Inspect(folder.path().string() + option + file);
      EXPECT_EQ(outcome.code, 2);
      EXPECT_EQ(outcome.err, "synthctl: " + file + ": is a part of the checkpoint\n");
    }
  }
  EXPECT_EQ(ReadFile(folder.path() / "config.json"), config);
}

TEST(InspectOut, ReplacesBothOrNeither) {
  const TempFolder folder;
  const std::string png = folder.path() / "a.png";
  const std::string report = folder.path() / "report";
  WriteFile(png, "old");
  WriteFile(report, "old");
  EXPECT_EQ(Inspect(kModel + " --png " + png + " --out /dev/full").code, 5);
  EXPECT_EQ(Inspect(kModel + " --png /dev/full --out " + report).code, 5);
  EXPECT_EQ(ReadFile(png), "old");
  EXPECT_EQ(ReadFile(report), "old");
  EXPECT_EQ(Inspect(kModel + " --png " + png + " --out " + report).code, 0);
  EXPECT_EQ(ReadFile(png).substr(1, 3), "PNG");
  EXPECT_NE(ReadFile(report).find("random"), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

}  // namespace
}  // namespace synth::inspect
