#include "client/synthctl/output.h"

#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace synth::synthctl {

void AddOutputOptions(CLI::App& command, OutputOptions& options,
                      const std::vector<std::string>& formats) {
  command.add_option("--output", options.format, "how results are written")
      ->type_name(absl::StrJoin(formats, "|"))
      ->check(CLI::IsMember(formats).description(""))
      ->capture_default_str();
  command.add_option("-o,--out", options.file, "write to this file instead of standard output")
      ->type_name("FILE");
}

void OutputFile::CloseFile::operator()(std::FILE* file) const {
  if (file != stdout) std::fclose(file);
}

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& file) {
  if (file.empty() || file == "-") return OutputFile(stdout);
  std::FILE* opened = std::fopen(file.c_str(), "wbe");
  if (opened == nullptr) return absl::ErrnoToStatus(errno, file);
  return OutputFile(opened);
}

bool OutputFile::IsTerminal() const { return isatty(fileno(file_.get())) != 0; }

absl::Status OutputFile::Write(std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), file_.get());
  if (written != text.size() || std::fflush(file_.get()) != 0) {
    return absl::ErrnoToStatus(errno, "writing results");
  }
  return absl::OkStatus();
}

std::string TokensCell(const v1::TextUsage& usage) {
  if (!usage.truncated()) return absl::StrCat(usage.tokens());
  return absl::StrCat(usage.tokens(), "/", usage.original_tokens());
}

}  // namespace synth::synthctl
