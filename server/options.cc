#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/config_file.h"
#include "server/model_name.h"
#include "server/version.h"
#include "synth/precision.h"

namespace synth::server {
namespace {

constexpr const char* kDescription =
    R"(synthserve serves text encoders with Synthesizer attention over gRPC.

  synthserve --model models/intent-clinc150
  synthserve --model intent=models/intent-clinc150 --model tone=models/other --listen 0.0.0.0:50051

It answers Encode, Classify, Rerank, Tokenize and GetModel (synth.v1.Inference), grpc.health.v1 and reflection on
--listen, and /metrics and /healthz on --metrics-listen. SIGTERM drains and exits with 0.)";

constexpr const char* kFooter =
    R"(
Every option can also be an environment variable (in brackets above) or a line of a --config file, such as
  lanes = 2
  model = ["intent=models/intent-clinc150"]
A line that the server does not understand is an error. A flag beats the environment, the environment
beats the file. Several models in
SYNTHSERVE_MODEL are separated by semicolons.

Exit codes: 0 after a clean drain, 1 when a model, an address or the precision cannot be used, 2 for a
wrong option.)";

// The engine knows the names, and what "auto" is on this machine.
Precision ReadPrecision(const std::string& option, const std::string& text) {
  const absl::StatusOr<Precision> precision = ParsePrecision(text);
  if (!precision.ok()) {
    throw CLI::ValidationError(
        option, std::string(absl::StripPrefix(precision.status().message(), "precision: ")));
  }
  return *precision;
}

// "name=folder", or a folder whose last component is the name. ",precision=int8" behind it is of
// this model alone.
Options::ModelSource ParseModelSource(std::string text) {
  Options::ModelSource source;
  // A comma that no equals sign follows belongs to the folder.
  if (const std::size_t comma = text.rfind(',');
      comma != std::string::npos && text.find('=', comma) != std::string::npos) {
    constexpr std::string_view kPrecision = "precision=";
    const std::string setting = text.substr(comma + 1);
    if (!setting.starts_with(kPrecision)) {
      throw CLI::ValidationError(
          "--model", "expected precision=NAME behind the last comma, found '" + setting + "'");
    }
    source.precision = ReadPrecision("--model: " + setting, setting.substr(kPrecision.size()));
    text.resize(comma);
  }
  if (const std::size_t equals = text.find('='); equals != std::string::npos) {
    source.name = text.substr(0, equals);
    source.folder = text.substr(equals + 1);
    return source;
  }
  std::filesystem::path folder = std::filesystem::path(text).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  source.name = folder.filename().string();
  source.folder = std::move(text);
  return source;
}

// What CLI11 leaves open about the models; empty when all is well.
std::string CheckModels(const std::vector<Options::ModelSource>& models) {
  std::set<std::string> names;
  for (const Options::ModelSource& model : models) {
    if (model.name.empty() || model.folder.empty()) {
      return "--model: expected NAME=FOLDER or FOLDER, both not empty";
    }
    if (const absl::Status status = CheckModelName(model.name); !status.ok()) {
      return absl::StrCat("--model: ", status.message(), "; NAME=FOLDER gives it another");
    }
    if (!names.insert(model.name).second)
      return "--model: the name '" + model.name + "' is given twice";
  }
  return "";
}

// Milliseconds from "250ms", "20s", "5m", or plain seconds.
CLI::Option* AddDuration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                         const std::string& help) {
  auto parse = [&value, name](const std::string& text) {
    static const std::map<std::string, double> kUnits = {
        {"ms", 1}, {"s", 1e3}, {"", 1e3}, {"m", 6e4}};
    std::size_t digits = 0;
    double number = -1;
    try {
      number = std::stod(text, &digits);
    } catch (const std::exception&) {
      digits = 0;
    }
    const auto unit = kUnits.find(text.substr(digits));
    // A year is beyond any use, and keeps the sums below from overflowing.
    if (digits == 0 || unit == kUnits.end() || !(number >= 0) || number * unit->second > 3.2e10) {
      throw CLI::ValidationError(
          name, "expected a duration such as 250ms, 20s or 5m, found '" + text + "'");
    }
    value = std::chrono::milliseconds(static_cast<std::int64_t>(number * unit->second));
  };
  const std::string shown = value.count() % 1000 == 0 ? std::to_string(value.count() / 1000) + "s"
                                                      : std::to_string(value.count()) + "ms";
  return app.add_option_function<std::string>(name, parse, help)
      ->type_name("DURATION")
      ->default_str(shown);
}

void AddPrecision(CLI::App& app, Precision& value) {
  auto parse = [&value](const std::string& text) { value = ReadPrecision("--precision", text); };
  app.add_option_function<std::string>(
         "--precision", parse,
         "What products are computed in, for all models. f32: PyTorch's answers on every machine; "
         "bf16 (needs AVX512_BF16) and int8 (AVX512_VNNI): about 1.7 and 2.7 times as fast, and "
         "rounded more; auto: bf16 where the machine has it, f32 elsewhere")
      ->type_name("f32|bf16|int8|auto")
      ->default_str(std::string(ToString(value)));
}

// What one client, or all of them, can hold of the gRPC port.
void AddConnectionLimits(CLI::App& app, Options& options) {
  app.add_option("--max-connections", options.max_connections,
                 "Open gRPC connections; fewer if the descriptor limit leaves no room for them")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-connections-per-address", options.max_connections_per_address,
                 "Of one IPv4 address, or one /64 of IPv6; 0: no limit, for a server whose clients "
                 "all come through one proxy")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  AddDuration(app, "--max-connection-idle", options.max_connection_idle,
              "Close connections that had no call for this long; 0: never");
  AddDuration(app, "--max-connection-age", options.max_connection_age,
              "Close connections of this age, so that clients spread over new replicas; 0: never");
  AddDuration(app, "--max-connection-age-grace", options.max_connection_age_grace,
              "How long calls in flight may take to finish then");
  AddDuration(app, "--keepalive-time", options.keepalive_time,
              "Ping a connection that was silent for this long; 0: never");
  AddDuration(
      app, "--keepalive-timeout", options.keepalive_timeout,
      "Close a connection whose ping, or data sent to it, is not acknowledged in this time");
}

void AddComputing(CLI::App& app, Options& options) {
  AddPrecision(app, options.precision);
  app.add_option("--lanes", options.lanes,
                 "Batches computed at a time; 0: as many as the CPUs this process may use "
                 "(affinity and cgroup quota)")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--max-batch-tokens", options.max_batch_tokens, "Tokens of one batch")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

// What one call may ask for.
void AddCallLimits(CLI::App& app, Options& options) {
  app.add_option(
         "--max-queue-tokens", options.max_queue_tokens,
         "Tokens waiting or computing, for each model, above which calls get RESOURCE_EXHAUSTED")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->capture_default_str();
  AddDuration(app, "--max-queue-time", options.max_queue_time,
              "Predicted wait above which calls get RESOURCE_EXHAUSTED");
  app.add_option("--max-texts", options.max_texts, "Texts in one request")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--max-text-bytes", options.max_text_bytes, "Bytes of one text")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  app.add_option("--max-message-bytes", options.max_message_bytes, "Bytes of one request")
      ->check(CLI::Range(1024, 1 << 30))
      ->capture_default_str();
  AddDuration(app, "--response-timeout", options.response_timeout,
              "How long a client may take to read its answer before the call is cancelled");
  app.add_option("--max-unflushed-bytes", options.max_unflushed_bytes,
                 "Bytes of answers that clients have not read yet, above which calls get "
                 "RESOURCE_EXHAUSTED")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40))
      ->capture_default_str();
}

void AddStopping(CLI::App& app, Options& options) {
  AddDuration(
      app, "--drain-delay", options.drain_delay,
      "After SIGTERM, how long to report NOT_SERVING and keep serving before refusing new calls");
  AddDuration(app, "--drain-timeout", options.drain_timeout,
              "How long the calls in flight may take to finish then");
}

// An option that takes one of the names, and whose default is the name of what `value` is.
template <typename Enum>
CLI::Option* AddNamed(CLI::App& app, const std::string& option, Enum& value,
                      const std::map<std::string, Enum>& names, const std::string& help) {
  const auto own = std::ranges::find(names, value, [](const auto& entry) { return entry.second; });
  assert(own != names.end());
  return app.add_option(option, value, help)
      ->transform(CLI::CheckedTransformer(names))
      ->default_str(own->first);
}

void AddLogging(CLI::App& app, Options& options) {
  AddNamed<LogFormat>(app, "--log-format", options.log_format,
                      {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                      "text or json, on standard error")
      ->type_name("FORMAT");
  AddNamed<spdlog::level::level_enum>(app, "--log-level", options.log_level,
                                      {{"debug", spdlog::level::debug},
                                       {"info", spdlog::level::info},
                                       {"warn", spdlog::level::warn},
                                       {"error", spdlog::level::err}},
                                      "debug, info, warn or error")
      ->type_name("LEVEL");
}

// SYNTHSERVE_MAX_BATCH_TOKENS for --max-batch-tokens; empty if only a flag can give it.
std::string VariableOf(const CLI::Option& option) {
  const std::string& name = option.get_single_name();
  if (name == "help" || name == "version") return "";
  return absl::StrCat("SYNTHSERVE_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{"-", "_"}})));
}

// All options, and what one command line set them to.
class CommandLine {
 public:
  CommandLine() : app_(kDescription, "synthserve") {
    app_.footer(kFooter);
    app_.get_formatter()->column_width(36);
    app_.set_version_flag("--version", kVersion);
    app_.add_option("--config", config_, "Read options from this file")->type_name("FILE");
    app_.add_option("--model", models_,
                    "Checkpoint folder, or NAME=FOLDER; may be repeated, the first is the default. "
                    ",precision=NAME behind it is of this model alone")
        ->type_name("[NAME=]FOLDER REQUIRED");
    app_.add_option("--listen", options_.listen,
                    "Address of the gRPC server; port 0 picks a free one")
        ->capture_default_str()
        ->type_name("HOST:PORT");
    app_.add_option("--metrics-listen", options_.metrics_listen,
                    "Address of /metrics and /healthz; port 0 picks a free one, an empty text "
                    "turns them off")
        ->capture_default_str()
        ->type_name("HOST:PORT");
    AddComputing(app_, options_);
    AddCallLimits(app_, options_);
    AddStopping(app_, options_);
    AddConnectionLimits(app_, options_);
    AddLogging(app_, options_);
  }

  // Throws CLI::ParseError. May be called again with more arguments.
  void Parse(std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);  // as CLI11 takes them
    app_.parse(std::move(arguments));
  }
  // The same, once all arguments are there.
  Options Finish() {
    if (models_.empty()) throw CLI::RequiredError("--model");
    for (const std::string& model : models_) options_.models.push_back(ParseModelSource(model));
    if (const std::string problem = CheckModels(options_.models); !problem.empty()) {
      throw CLI::ValidationError(problem);
    }
    return options_;
  }

  // Prints what was asked for, or the error. The variables have their names only for this: CLI11
  // would read them by itself, and in an order of its own.
  void Exit(const CLI::ParseError& error) {
    for (CLI::Option* option : app_.get_options()) option->envname(VariableOf(*option));
    app_.exit(error);
  }

  const CLI::App& app() const { return app_; }
  const std::string& config() const { return config_; }  // empty: none

 private:
  Options options_;
  std::vector<std::string> models_;
  std::string config_;
  CLI::App app_;
};

bool TakesSeveral(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

// An option that something other than the command line sets.
struct Setting {
  std::string origin;  // for messages: a variable, or a line of a file
  const CLI::Option* option;
  std::vector<std::string> values;
};

// Adds the settings of options that have not been set before to the arguments. Each is tried by
// itself, so that an error says where it comes from.
void AddSettings(const std::vector<Setting>& settings, const CLI::App& before,
                 std::vector<std::string>& arguments) {
  for (const Setting& setting : settings) {
    const std::string flag = "--" + setting.option->get_single_name();
    std::vector<std::string> own;
    for (const std::string& value : setting.values) own.insert(own.end(), {flag, value});
    try {
      CommandLine().Parse(own);
    } catch (const CLI::ParseError& error) {
      throw CLI::ValidationError(setting.origin, error.what());
    }
    if (before.get_option(flag)->count() == 0) {
      arguments.insert(arguments.end(), own.begin(), own.end());
    }
  }
}

// Several values are separated by semicolons.
std::vector<Setting> FromEnvironment(const CommandLine& given) {
  std::vector<Setting> settings;
  for (const CLI::Option* option : given.app().get_options()) {
    const std::string variable = VariableOf(*option);
    const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value == nullptr || option->count() > 0) continue;
    settings.push_back({.origin = variable, .option = option, .values = {value}});
    if (TakesSeveral(*option)) settings.back().values = absl::StrSplit(value, ';');
  }
  return settings;
}

// The option that a key of a configuration file names.
const CLI::Option& OptionOfKey(const CommandLine& given, const std::string& key,
                               const std::string& origin) {
  const auto find = [&](const std::string& name) -> const CLI::Option* {
    const CLI::Option* option = given.app().get_option_no_throw("--" + name);
    const bool settable = option != nullptr && !VariableOf(*option).empty() && name != "config";
    return settable ? option : nullptr;
  };
  if (const CLI::Option* option = find(key); option != nullptr) return *option;
  std::string likely = absl::AsciiStrToLower(absl::StrReplaceAll(key, {{"_", "-"}}));
  likely.erase(0, likely.find_first_not_of('-'));
  throw CLI::ValidationError(
      origin, absl::StrCat(key, ": expected the name of an option, found another word",
                           find(likely) == nullptr ? "; synthserve --help lists them"
                                                   : "; it is called " + likely));
}

std::vector<Setting> FromFile(const CommandLine& given) {
  const auto entries = ReadConfigFile(given.config());
  if (!entries.ok()) {
    throw CLI::ValidationError("--config", std::string(entries.status().message()));
  }
  std::vector<Setting> settings;
  for (const ConfigEntry& entry : *entries) {
    const std::string origin = absl::StrCat("--config: ", given.config(), ":", entry.line);
    const CLI::Option& option = OptionOfKey(given, entry.key, origin);
    if (entry.is_list && (!TakesSeveral(option) || entry.values.empty())) {
      throw CLI::ValidationError(
          origin, absl::StrCat(entry.key, ": expected ",
                               TakesSeveral(option) ? "a list of one or more values" : "one value",
                               ", found a list of ", entry.values.size()));
    }
    settings.push_back({.origin = origin, .option = &option, .values = entry.values});
  }
  return settings;
}

// The flags, then what only the environment sets, then what only the file sets.
Options ParseAll(CommandLine& command_line, std::vector<std::string> arguments) {
  command_line.Parse(arguments);
  AddSettings(FromEnvironment(command_line), command_line.app(), arguments);
  command_line.Parse(arguments);
  if (!command_line.config().empty()) {
    AddSettings(FromFile(command_line), command_line.app(), arguments);
    command_line.Parse(arguments);
  }
  return command_line.Finish();
}

}  // namespace

std::variant<Options, ExitCode> ParseOptions(int argc, const char* const* argv) {
  CommandLine command_line;
  try {
    return ParseAll(command_line, {argv + 1, argv + argc});
  } catch (const CLI::ParseError& error) {
    const bool asked_for = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    command_line.Exit(error);
    return ExitCode{asked_for ? 0 : 2};
  }
}

}  // namespace synth::server
