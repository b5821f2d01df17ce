#include "client/synthctl/output.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/synthctl/options.h"

namespace synth::synthctl {

void AddOutputOptions(CLI::App& command, OutputOptions& options,
                      const std::vector<std::string>& formats) {
  command.add_option("--output", options.format, "how results are written")
      ->type_name(absl::StrJoin(formats, "|"))
      ->check(CLI::IsMember(formats).description(""))
      ->capture_default_str();
  command
      .add_option("-o,--out", options.file,
                  "write to this file instead of standard output; it appears, or is replaced, when "
                  "the run ends with exit code 0 or 1")
      ->type_name("FILE");
}

int FailOpen(const absl::Status& status) {
  return status.code() == absl::StatusCode::kInvalidArgument ? FailUsage(status.message())
                                                             : FailFile(status.message());
}

std::string TokensCell(const v1::TextUsage& usage) {
  if (!usage.truncated()) return absl::StrCat(usage.tokens());
  return absl::StrCat(usage.tokens(), "/", usage.original_tokens());
}

}  // namespace synth::synthctl
