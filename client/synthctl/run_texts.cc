#include "client/synthctl/run_texts.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace synth::synthctl {
namespace {

// The longest text that can be sent; 0 if the server does not say, and then the calls themselves
// tell what is wrong with it.
std::uint64_t MaxTextBytes(client::Client& client, const std::string& model) {
  v1::GetModelRequest request;
  request.set_model(model);
  const auto answer = client.GetModel(request);
  if (!answer.ok()) return 0;
  const v1::Limits& limits = answer->limits();
  if (limits.max_message_bytes() == 0) return limits.max_text_bytes();
  return std::min(limits.max_text_bytes(), limits.max_message_bytes());
}

}  // namespace

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
  (*texts)->SetMaxTextBytes(MaxTextBytes(**client, globals.model));
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
