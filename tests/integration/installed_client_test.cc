// A program that links the installed client library (tests/client/installed) against the real
// server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/integration/process.h"
#include "tests/integration/synthserve.h"
#include "tests/paths.h"

namespace synth::server {
namespace {

using testing::HasSubstr;

// Beside synthctl, as client/synthctl is in the build folder.
std::string EmbedTexts() {
  const auto build = std::filesystem::path(paths::SynthctlBinary()).parent_path().parent_path();
  return build / "tests/client/installed/build/embed_texts";
}

TEST(InstalledClientTest, EncodesTexts) {
  const Synthserve synthserve;
  Process client({EmbedTexts(), synthserve.Target(), "what is my balance", "play some jazz"});
  EXPECT_EQ(client.ReadLine(), "") << "expected no error";
  EXPECT_EQ(client.Wait(), 0);
}

TEST(InstalledClientTest, NamesTheErrorOfATextThatIsNotUtf8) {
  const Synthserve synthserve;
  Process client({EmbedTexts(), synthserve.Target(), "what is my balance", "\xFF"});
  EXPECT_THAT(client.ReadLine(), HasSubstr("INVALID_ARGUMENT: not UTF-8"));
  EXPECT_EQ(client.Wait(), 1);
}

}  // namespace
}  // namespace synth::server
