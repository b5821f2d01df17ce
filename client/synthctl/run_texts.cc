#include "client/synthctl/run_texts.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace synth::synthctl {

std::variant<TextRun, int> OpenTextRun(const TextInputOptions& input, const OutputOptions& output,
                                       const GlobalOptions& globals) {
  auto texts = TextInput::Open(input);
  if (!texts.ok()) return FailFile(texts.status().message());
  auto results = OutputFile::Open(output.file, (*texts)->file_id());
  if (!results.ok()) return FailOpen(results.status());
  client::ClientOptions client_options = globals.ForClient(kDefaultAttempts);
  client_options.retry.when_busy = false;  // that is what --patience is for
  auto client = client::Client::Create(client_options);
  if (!client.ok()) return FailUsage(client.status().message());
  return TextRun{*std::move(texts), *std::move(results), *std::move(client)};
}

int EndOutput(OutputFile& output, int code, bool any_computed) {
  if (code == kOk || code == kTextsFailed) {
    const absl::Status committed = output.Commit();
    return committed.ok() ? code : FailFile(committed.message());
  }
  if (code != kServerError || !any_computed) return code;
  if (const std::optional<std::string> kept = output.Keep(); kept.has_value()) {
    absl::FPrintF(stderr, "synthctl: the results so far are in %s\n", *kept);
  }
  return code;
}

}  // namespace synth::synthctl
