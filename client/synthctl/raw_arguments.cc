#include "client/synthctl/raw_arguments.h"

#include <algorithm>
#include <string_view>

namespace synth::synthctl {
namespace {

// A control character: terminals show nothing for it where CLI11 quotes a marked argument.
constexpr char kMark = '\x01';

bool NeedsMark(std::string_view argument) {
  if (argument.empty()) return false;
  return argument.front() == '[' || argument.front() == kMark || argument == "++";
}

std::string Unmark(std::string argument) {
  if (!argument.empty() && argument.front() == kMark) argument.erase(0, 1);
  return argument;
}

}  // namespace

std::vector<std::string> MarkArguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  bool only_texts = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (!only_texts && argument == "--") {
      only_texts = true;
      continue;
    }
    if (only_texts || NeedsMark(argument)) argument.insert(argument.begin(), kMark);
    arguments.push_back(std::move(argument));
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

void UnmarkArguments(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    // Flags have no values to unmark. transform() puts itself in front of other checks.
    if (option->get_items_expected_max() > 0) option->transform(Unmark, "", "");
  }
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    UnmarkArguments(*command);
  }
}

CLI::Option* AddTexts(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                      const std::string& description) {
  // With a vector as its target, CLI11 would convert "{}" to no text.
  const CLI::callback_t take = [&texts](const CLI::results_t& results) {
    texts = results;
    return true;
  };
  return command.add_option(name, take, description)
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->allow_extra_args();
}

}  // namespace synth::synthctl
