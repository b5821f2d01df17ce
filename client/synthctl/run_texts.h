#ifndef SYNTH_CLIENT_SYNTHCTL_RUN_TEXTS_H_
#define SYNTH_CLIENT_SYNTHCTL_RUN_TEXTS_H_

#include <functional>
#include <memory>
#include <variant>

#include "absl/status/status.h"
#include "client/synthctl/options.h"
#include "client/synthctl/outcome.h"
#include "client/synthctl/output.h"
#include "client/synthctl/progress.h"
#include "client/synthctl/text_input.h"
#include "synth/client/bulk.h"
#include "synth/client/client.h"

namespace synth::synthctl {

// What every run over texts needs: where they come from, where the results go, who computes them.
struct TextRun {
  std::unique_ptr<TextInput> input;
  OutputFile output;
  std::unique_ptr<client::Client> client;
};

// Opens all three, or says on standard error what cannot be had and gives the exit code.
std::variant<TextRun, int> OpenTextRun(const TextInputOptions& input, const OutputOptions& output,
                                       const GlobalOptions& globals);

// Starts the run over all texts: EncodeBulk and the like, with client, settings and options filled
// in.
template <typename Result>
using StartBulk =
    std::function<absl::Status(const client::BulkSource&, const client::BulkSink<Result>&)>;

// Ends the output of a run whose exit code is `code` so far: puts it in place after kOk and
// kTextsFailed. Otherwise an older file stays, and the message says where the results are if some
// texts were computed before the server failed. Returns the exit code.
int EndOutput(OutputFile& output, int code, bool any_computed);

// Reads all texts of `input`, has them computed, writes their results. Returns the exit code.
template <typename Result>
int RunTexts(TextInput& input, OutputFile& output, ResultWriter<Result>& writer,
             const StartBulk<Result>& start) {
  Progress progress(input, output.IsTerminal());
  Outcome outcome(input, progress);
  const client::BulkSink<Result> sink = [&](client::BulkResult<Result> item) {
    const bool go_on = outcome.Note(item);
    if (absl::Status written = writer.Write(item); !written.ok()) {
      outcome.NoteFileError(written);
      return false;
    }
    return go_on;
  };
  const absl::Status bulk = start([&input] { return input.Next(); }, sink);
  if (absl::Status finished = writer.Finish(); !finished.ok()) outcome.NoteFileError(finished);
  const int code = outcome.Finish(bulk);
  return EndOutput(output, code, outcome.any_computed());
}

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_RUN_TEXTS_H_
