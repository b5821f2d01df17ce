#include "model/checkpoint/digest.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/model/test_checkpoint.h"

namespace synth {
namespace {

TEST(Digest, Sha256) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// The rule of docs/checkpoint.md, run by coreutils.
TEST(Digest, IsWhatCoreutilsPrint) {
  const TempFolder folder;
  WriteFile(folder.path() / "config.json", "{}\n");
  WriteFile(folder.path() / "model.safetensors", std::string("\0\1\2", 3));
  const std::string command =
      "cd '" + folder.path().string() + "' && sha256sum config.json model.safetensors | sha256sum";
  std::FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 65> printed = {};
  ASSERT_NE(std::fgets(printed.data(), printed.size(), pipe), nullptr);
  EXPECT_EQ(pclose(pipe), 0);

  Sha256 in_pieces;
  in_pieces.Add({"\0", 1});
  in_pieces.Add("\1\2");
  const std::array files = {FileHash{"config.json", Sha256Hex("{}\n")},
                            FileHash{"model.safetensors", in_pieces.Finish()}};
  EXPECT_EQ(Digest(files), printed.data());
}

}  // namespace
}  // namespace synth
