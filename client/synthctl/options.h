// What all subcommands of synthctl share: global options, exit codes, how a subcommand is added.
#ifndef SYNTH_CLIENT_SYNTHCTL_OPTIONS_H_
#define SYNTH_CLIENT_SYNTHCTL_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "synth/client/client.h"

namespace synth::synthctl {

// Documented for users in kExitCodesHelp.
enum ExitCode : int {
  kOk = 0,
  kTextsFailed = 1,
  kUsage = 2,
  kServerError = 3,
  kNotServing = 4,
  kFileError = 5,
};

inline constexpr char kExitCodesHelp[] =
    "Exit codes:\n"
    "  0  all went well\n"
    "  1  some texts failed; stderr names their lines\n"
    "  2  wrong usage\n"
    "  3  the server failed, refused a request or could not be reached\n"
    "  4  health: the server answered, but is not SERVING\n"
    "  5  a file could not be read or written\n";

// How often a request is tried while the server is busy or away, in commands that are not
// measurements.
inline constexpr int kDefaultAttempts = 4;

struct GlobalOptions {
  std::string server = "127.0.0.1:50051";
  std::string model;
  double deadline_seconds = 30;
  std::optional<int> attempts;  // absent: the subcommand decides

  // Options for a client that tries each call up to `attempts` times unless --attempts says
  // otherwise.
  client::ClientOptions ForClient(int default_attempts) const;
};

// What is left to do once the command line is parsed. Returns the exit code.
using Action = std::function<int()>;

void AddGlobalOptions(CLI::App& app, GlobalOptions& globals);

// Each adds its subcommand to `app`; parsing it sets `action`, which refers to `globals`.
void AddEncode(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddClassify(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddRerank(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddTokenize(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddModel(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddHealth(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddLoad(CLI::App& app, const GlobalOptions& globals, Action& action);
void AddInspect(CLI::App& app, Action& action);  // asks no server

std::chrono::milliseconds ToMillis(double seconds);

// Says on stderr what went wrong, and returns the exit code for it.
int FailServer(const absl::Status& status);
int FailUsage(absl::string_view message);
int FailFile(absl::string_view message);

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_OPTIONS_H_
