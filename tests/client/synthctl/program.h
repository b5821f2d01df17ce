// synthctl itself, run as users do.
#ifndef SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_
#define SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/paths.h"

namespace synth::client {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

// A name of the running test's own.
inline std::string FileName(const std::string& name) {
  return ::testing::TempDir() + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
         "." + name;
}

inline std::string Content(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::string FileWith(const std::string& content) {
  std::string file = FileName("texts");
  std::ofstream(file, std::ios::binary) << content;
  return file;
}

// Runs synthctl in a shell, so that `arguments` may redirect standard input. Standard output goes
// where `output` says, else to the outcome.
inline Outcome RunSynthctl(const std::string& target, const std::string& arguments,
                           const std::string& output = "") {
  const std::string out = FileName("out");
  const std::string err = FileName("err");
  const std::string line = "SYNTHCTL_SERVER=" + target + " " + paths::SynthctlBinary() + " " +
                           arguments + " " + (output.empty() ? ">" + out : output) + " 2>" + err;
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Content(out), Content(err)};
}

}  // namespace synth::client

#endif  // SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_
