// Where and how the results of a command are written.
#ifndef SYNTH_CLIENT_SYNTHCTL_OUTPUT_H_
#define SYNTH_CLIENT_SYNTHCTL_OUTPUT_H_

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

class OutputFile {
 public:
  // Creates or truncates the file; the error names it.
  static absl::StatusOr<OutputFile> Open(const std::string& file);

  std::FILE* Get() const { return file_.get(); }
  bool IsTerminal() const;
  // Writes the text and flushes, so that whoever reads along has it at once.
  absl::Status Write(std::string_view text);

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const;
  };
  explicit OutputFile(std::FILE* file) : file_(file) {}
  std::unique_ptr<std::FILE, CloseFile> file_;
};

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
