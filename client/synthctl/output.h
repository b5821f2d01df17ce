// How the results of a command are written.
#ifndef SYNTH_CLIENT_SYNTHCTL_OUTPUT_H_
#define SYNTH_CLIENT_SYNTHCTL_OUTPUT_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/synthctl/output_file.h"
#include "synth/client/bulk.h"
#include "synth/v1/inference.pb.h"

namespace synth::synthctl {

struct OutputOptions {
  std::string format = "table";
  std::string file;  // empty: standard output
};

// --output with one of `formats`, and --out.
void AddOutputOptions(CLI::App& command, OutputOptions& options,
                      const std::vector<std::string>& formats);

// Says on standard error why an output cannot be opened, and returns the exit code for it.
int FailOpen(const absl::Status& status);

// Writes the results of one command in one format.
template <typename Result>
class ResultWriter {
 public:
  ResultWriter() = default;
  virtual ~ResultWriter() = default;
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  // Results come in the order of the texts, failed ones included.
  virtual absl::Status Write(const client::BulkResult<Result>& item) = 0;
  // After the last result.
  virtual absl::Status Finish() { return absl::OkStatus(); }
};

// For tables: "12", or "512/730" for a text of 730 tokens that was cut to 512.
std::string TokensCell(const v1::TextUsage& usage);

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_OUTPUT_H_
