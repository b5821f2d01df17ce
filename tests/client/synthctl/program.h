// synthctl itself, run as users do.
#ifndef SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_
#define SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/paths.h"
#include "tests/support/files.h"

namespace synth::client {

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string FileWith(const std::string& content) {
  std::string file = ScratchFile("texts");
  WriteFile(file, content);
  return file;
}

// Runs synthctl in a shell, so that `arguments` may redirect standard input. Standard output goes
// where `output` says, else to the outcome.
inline Outcome RunSynthctl(const std::string& target, const std::string& arguments,
                           const std::string& output = "") {
  const std::string out = ScratchFile("out");
  const std::string err = ScratchFile("err");
  const std::string line = "SYNTHCTL_SERVER=" + target + " " + paths::SynthctlBinary() + " " +
                           arguments + " " + (output.empty() ? ">" + out : output) + " 2>" + err;
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out), ReadFile(err)};
}

}  // namespace synth::client

#endif  // SYNTH_TESTS_CLIENT_SYNTHCTL_PROGRAM_H_
