// synthctl: the command-line client of synthserve.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "client/synthctl/options.h"
#include "client/synthctl/raw_arguments.h"

namespace {

constexpr char kDescription[] =
    "The command-line client of synthserve: vectors and labels of texts, from encoders with\n"
    "Synthesizer attention.";

constexpr char kExamples[] =
    "Examples:\n"
    "  synthctl health --wait 30\n"
    "  synthctl encode \"what is my balance\" \"book me a flight\"\n"
    "  synthctl classify --file questions.txt --output jsonl > labels.jsonl\n"
    "  SYNTHCTL_SERVER=embedder:50051 synthctl model\n"
    "  synthctl inspect models/intent-clinc150 --png attention.png\n"
    "\n"
    "`synthctl COMMAND --help` explains a command.\n"
    "\n";

int Run(int argc, char** argv) {
  // All of the namespace is this function's.
  using namespace synth::synthctl;  // NOLINT(google-build-using-namespace)
  CLI::App app(kDescription, "synthctl");
  app.set_version_flag("--version", "synthctl " SYNTHCTL_VERSION);
  app.footer(std::string(kExamples) + kExitCodesHelp);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand behind the subcommand too

  GlobalOptions globals;
  Action action;
  AddGlobalOptions(app, globals);
  AddEncode(app, globals, action);
  AddClassify(app, globals, action);
  AddRerank(app, globals, action);
  AddTokenize(app, globals, action);
  AddModel(app, globals, action);
  AddHealth(app, globals, action);
  AddLoad(app, globals, action);
  AddInspect(app, action);
  UnmarkArguments(app);
  try {
    app.parse(MarkArguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "synthctl: " << error.what() << '\n';
    return synth::synthctl::kServerError;
  }
}
