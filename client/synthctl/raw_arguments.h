// Keeps CLI11 from reading a meaning into texts: "[a, b]" is a list to it, "++" the end of a
// subcommand, "{}" an empty list.
#ifndef SYNTH_CLIENT_SYNTHCTL_RAW_ARGUMENTS_H_
#define SYNTH_CLIENT_SYNTHCTL_RAW_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace synth::synthctl {

// The arguments of main() for CLI::App::parse(std::vector): in reverse and without the program.
// Those that CLI11 would take apart are marked, also all behind the first "--", which is left out.
std::vector<std::string> MarkArguments(int argc, const char* const* argv);

// Has all options of `app` and its subcommands take the mark off again, before any other check.
void UnmarkArguments(CLI::App& app);

// A positional argument that takes one text or more, each byte for byte.
CLI::Option* AddTexts(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                      const std::string& description);

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_RAW_ARGUMENTS_H_
