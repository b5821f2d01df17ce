#include "client/synthctl/run_texts.h"

#include <utility>

namespace synth::synthctl {

std::variant<TextRun, int> OpenTextRun(const TextInputOptions& input, const OutputOptions& output,
                                       const GlobalOptions& globals) {
  auto texts = TextInput::Open(input);
  if (!texts.ok()) return FailFile(texts.status().message());
  auto results = OutputFile::Open(output.file);
  if (!results.ok()) return FailFile(results.status().message());
  client::ClientOptions client_options = globals.ForClient(kDefaultAttempts);
  client_options.retry.when_busy = false;  // that is what --patience is for
  auto client = client::Client::Create(client_options);
  if (!client.ok()) return FailUsage(client.status().message());
  return TextRun{*std::move(texts), *std::move(results), *std::move(client)};
}

}  // namespace synth::synthctl
