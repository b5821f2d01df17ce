#include "tests/integration/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace synth::server {
namespace {

// The null-terminated array that exec wants; valid as long as `strings`.
std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments,
                 const std::vector<std::string>& environment) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);

  std::vector<std::string> argument_copies = arguments;
  std::vector<std::string> variables = environment;
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  const int error = posix_spawn(&pid_, arguments.at(0).c_str(), &actions, nullptr,
                                Pointers(argument_copies).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  error_output_ = ends[0];
  if (error != 0) throw std::runtime_error("cannot start " + arguments.at(0));
}

Process::~Process() {
  if (pid_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  if (error_output_ >= 0) close(error_output_);
}

std::string Process::ReadLine() {
  while (true) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    std::array<char, 4096> chunk{};
    const ssize_t count = read(error_output_, chunk.data(), chunk.size());
    if (count <= 0) return std::exchange(buffer_, "");
    buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

std::string Process::ReadLineWith(const std::string& word) {
  while (true) {
    std::string line = ReadLine();
    if (line.empty() || line.find(word) != std::string::npos) return line;
  }
}

void Process::CloseOutput() { close(std::exchange(error_output_, -1)); }

void Process::Signal(int signal) const { kill(pid_, signal); }

int Process::Wait() {
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace synth::server
