#ifndef SYNTH_TESTS_INTEGRATION_PROCESS_H_
#define SYNTH_TESTS_INTEGRATION_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace synth::server {

// A program that runs beside the test. Killed by the destructor if it still runs.
class Process {
 public:
  // arguments[0] is the program. `environment` holds NAME=VALUE entries added to this process's
  // own.
  explicit Process(const std::vector<std::string>& arguments,
                   const std::vector<std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next line of its standard error, without the newline; empty at the end.
  std::string ReadLine();
  // Reads lines until one holds `word`, and gives that one; empty at the end.
  std::string ReadLineWith(const std::string& word);

  // Nobody reads its standard error any more.
  void CloseOutput();

  void Signal(int signal) const;
  pid_t pid() const { return pid_; }

  // Waits for its end. The exit code, or -signal.
  int Wait();

 private:
  pid_t pid_ = -1;
  int error_output_ = -1;
  std::string buffer_;
};

}  // namespace synth::server

#endif  // SYNTH_TESTS_INTEGRATION_PROCESS_H_
