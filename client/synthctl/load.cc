// synthctl load: puts a load on the server and measures it.
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/load/generator.h"
#include "client/load/report.h"
#include "client/load/sentences.h"
#include "client/synthctl/options.h"
#include "client/synthctl/output_file.h"
#include "client/synthctl/text_input.h"
#include "synth/utf8.h"

namespace synth::synthctl {
namespace {

constexpr char kExamples[] =
    "Open loop (--rate): requests are sent when they are due, whatever came back so far, as "
    "independent\n"
    "users would; latency counts from when a request was due, so a stall of the server shows in "
    "every\n"
    "request that it delayed. Closed loop (--concurrency): so many callers, each of whom waits for "
    "its\n"
    "answer; it finds the highest throughput, but its latencies hide stalls.\n"
    "\n"
    "Latencies are those of successful requests. Goodput counts the requests that succeeded "
    "within\n"
    "--target-ms. Requests are not retried unless --attempts says so.\n"
    "\n"
    "Examples:\n"
    "  synthctl load --rate 200 --poisson --duration 30 --target-ms 50\n"
    "  synthctl load --concurrency 8 --texts-per-request 16 --method encode\n"
    "  synthctl load --rate 500 --file texts.txt --json > report.json\n";

constexpr double kMaxSeconds = 86'400;
constexpr double kMaxRate = 1e6;
constexpr std::size_t kMaxCount = 100'000;
constexpr std::size_t kMaxFileTexts = 262'144;

struct LoadCommand {
  load::LoadOptions load;
  std::string method = "classify";
  std::string file;
  double rate = 0;
  double warmup_seconds = 2;
  double duration_seconds = 10;
  double target_ms = 100;
  bool poisson = false;
  bool json = false;
};

// The usable lines of the file: UTF-8, not empty, and not more than kMaxFileTexts.
absl::StatusOr<std::vector<std::string>> ReadTexts(const std::string& file) {
  TextInputOptions options;
  options.file = file;
  absl::StatusOr<std::unique_ptr<TextInput>> input = TextInput::Open(options);
  if (!input.ok()) return input.status();
  std::vector<std::string> texts;
  std::size_t skipped = 0;
  while (texts.size() < kMaxFileTexts) {
    std::optional<client::BulkText> next = (*input)->Next();
    if (!next.has_value()) break;
    if (next->text.empty() || FirstInvalidUtf8(next->text).has_value()) {
      ++skipped;
    } else {
      texts.push_back(std::move(next->text));
    }
  }
  if (absl::Status status = (*input)->ReadStatus(); !status.ok()) return status;
  if (skipped > 0) {
    absl::FPrintF(stderr, "synthctl: %d lines skipped: empty or not UTF-8\n", skipped);
  }
  if (texts.empty()) return absl::InvalidArgumentError(file + ": no usable line");
  return texts;
}

// Whether the report would go into the file that the texts come from.
bool WritesToItsInput(const LoadCommand& command) {
  if (command.file.empty()) return false;
  const std::optional<FileId> input =
      command.file == "-" ? RegularFileId(STDIN_FILENO) : RegularFileId(command.file);
  return input.has_value() && input == RegularFileId(STDOUT_FILENO);
}

int RunLoadCommand(const LoadCommand& command, const GlobalOptions& globals) {
  if (WritesToItsInput(command)) return FailUsage("standard output is also the input");
  load::LoadOptions options = command.load;
  options.model = globals.model;
  options.method = command.method == "encode" ? load::LoadOptions::Method::kEncode
                                              : load::LoadOptions::Method::kClassify;
  if (command.rate > 0) options.rate = command.rate;
  options.spacing =
      command.poisson ? load::Arrivals::Spacing::kPoisson : load::Arrivals::Spacing::kConstant;
  options.warmup = ToMillis(command.warmup_seconds);
  options.duration = ToMillis(command.duration_seconds);
  constexpr double kMillisPerSecond = 1000;
  options.target = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(command.target_ms / kMillisPerSecond));

  absl::StatusOr<std::vector<std::string>> texts =
      command.file.empty() ? load::BuiltInSentences() : ReadTexts(command.file);
  if (!texts.ok()) return FailFile(texts.status().message());
  const absl::StatusOr<load::LoadReport> report =
      load::RunLoad(options, globals.ForClient(1), *texts);
  if (!report.ok()) return FailServer(report.status());
  constexpr int kJsonIndent = 2;
  const std::string text = command.json
                               ? load::ReportJson(options, *report).dump(kJsonIndent) + "\n"
                               : load::ReportText(options, *report);
  std::fputs(text.c_str(), stdout);
  return report->measured.latency.Count() > 0 ? kOk : kServerError;
}

}  // namespace

void AddLoad(CLI::App& app, const GlobalOptions& globals, Action& action) {
  CLI::App* sub = app.add_subcommand("load", "Put a load on the server and measure it");
  auto command = std::make_shared<LoadCommand>();
  load::LoadOptions& load = command->load;
  const CLI::Range count_range(std::size_t{1}, kMaxCount);

  CLI::Option_group* const loop = sub->add_option_group("Load", "one of:");
  loop->add_option("--rate", command->rate, "open loop: requests per second")
      ->type_name("R")
      ->check(CLI::Range(0.001, kMaxRate));
  loop->add_option("--concurrency", load.concurrency, "closed loop: callers")
      ->type_name("C")
      ->check(count_range);
  loop->require_option(1);

  sub->add_flag("--poisson", command->poisson,
                "open loop: random gaps, as from many independent users, instead of equal ones");
  sub->add_option("--seed", load.seed, "of the random gaps")->type_name("N")->capture_default_str();
  sub->add_option("--max-outstanding", load.max_outstanding,
                  "open loop: requests under way beyond which none is sent")
      ->type_name("N")
      ->check(count_range)
      ->capture_default_str();
  sub->add_option("--duration", command->duration_seconds, "how long to measure")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.1, kMaxSeconds))
      ->capture_default_str();
  sub->add_option("--warmup", command->warmup_seconds, "how long to send before that")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, kMaxSeconds))
      ->capture_default_str();
  sub->add_option("--method", command->method, "what to call")
      ->type_name("classify|encode")
      ->check(CLI::IsMember({"classify", "encode"}).description(""))
      ->capture_default_str();
  sub->add_option("--texts-per-request", load.texts_per_request)
      ->type_name("N")
      ->check(count_range)
      ->capture_default_str();
  sub->add_option("-f,--file", command->file,
                  "texts, one per line, instead of the built-in sentences")
      ->type_name("FILE");
  sub->add_option("--target-ms", command->target_ms, "latency up to which a request is good")
      ->type_name("MS")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  sub->add_option("--channels", load.channels, "connections, used in turn")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, std::size_t{64}))
      ->capture_default_str();
  sub->add_flag("--json", command->json, "write the report as JSON, times in seconds");
  sub->footer(kExamples);
  sub->callback([command, &globals, &action] {
    action = [command, &globals] { return RunLoadCommand(*command, globals); };
  });
}

}  // namespace synth::synthctl
