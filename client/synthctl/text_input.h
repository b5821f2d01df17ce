// Where the texts of a command come from: its arguments, a file, or standard input.
#ifndef SYNTH_CLIENT_SYNTHCTL_TEXT_INPUT_H_
#define SYNTH_CLIENT_SYNTHCTL_TEXT_INPUT_H_

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/synthctl/output_file.h"
#include "synth/client/bulk.h"

namespace synth::synthctl {

struct TextInputOptions {
  std::vector<std::string> texts;  // if empty, `file`
  std::string file;                // if empty or "-", standard input
  bool tsv = false;                // lines are label<TAB>text
  bool pairs = false;              // texts are text<TAB>second text
  std::size_t batch = 64;
  std::size_t concurrency = 4;
  double patience_seconds = 60;

  client::BulkOptions ForBulk() const;
};

// The arguments and --file, --batch, --concurrency, --patience; not --tsv and
// --pairs.
void AddTextInputOptions(CLI::App& command, TextInputOptions& options);
void AddTsvOption(CLI::App& command, TextInputOptions& options);
void AddPairsOption(CLI::App& command, TextInputOptions& options);

class TextInput {
 public:
  // Opens the input; the error names the file.
  static absl::StatusOr<std::unique_ptr<TextInput>> Open(const TextInputOptions& options);

  // The next text, without its line end ("\n" or "\r\n") and without a byte order mark at the
  // head of the file, its tag being the label of a TSV line. A TSV line without a tab comes with an
  // error. The signature of a client::BulkSource; not thread-safe.
  std::optional<client::BulkText> Next();

  // From now on, longer texts come with INVALID_ARGUMENT, so that they are not sent. 0: no limit.
  void SetMaxTextBytes(uint64_t bytes) { max_text_bytes_ = bytes; }

  // Which file the texts come from; nothing if it is none.
  std::optional<FileId> file_id() const { return file_id_; }

  // How messages call the text with that index: "line 3" or "text 3", from 1.
  std::string NameOf(std::size_t index) const;

  // For progress: the part of the input that has been read, in [0, 1]; nothing where its size is
  // not known. Thread-safe.
  std::optional<double> FractionRead() const;

  // OK, or why reading stopped before the end. To be called after Next() gave nothing.
  absl::Status ReadStatus() const { return status_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const;
  };

  TextInput() = default;
  client::BulkText Parse(std::string text) const;
  // Reads the next line into line_, without its end. False at the end of the file and at errors.
  bool ReadLine();

  std::vector<std::string> texts_;  // from the command line; used if file_ is null
  std::size_t next_text_ = 0;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string file_name_;
  std::string line_;
  bool at_start_ = true;  // of the file
  bool tsv_ = false;
  bool pairs_ = false;
  uint64_t max_text_bytes_ = 0;
  std::optional<FileId> file_id_;
  uint64_t file_bytes_ = 0;  // 0: unknown
  std::atomic<uint64_t> bytes_read_{0};
  absl::Status status_;
};

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_TEXT_INPUT_H_
