#include "server/config_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "synth/utf8.h"

namespace synth::server {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kEndsBareWord = " \t\"'[]{},#";
constexpr std::size_t kShownBytes = 40;

constexpr const char* kValueForms = "a word, a text in quotes or a list in brackets";

bool IsKeyCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
}

// Lines without their ends. A last line without an end is one too.
std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// Why a line is no text that somebody wrote; empty if it is one.
std::string CheckCharacters(std::string_view line) {
  if (line.size() > kMaxConfigLineBytes) {
    return absl::StrCat("expected a line of at most ", kMaxConfigLineBytes, " bytes, found ",
                        line.size());
  }
  if (const std::optional<std::size_t> bad = FirstInvalidUtf8(line); bad.has_value()) {
    return absl::StrFormat("expected UTF-8, found byte 0x%02X in column %d",
                           static_cast<std::uint8_t>(line[*bad]), *bad + 1);
  }
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto c = static_cast<unsigned char>(line[i]);
    if (absl::ascii_iscntrl(c) && c != '\t') {
      return absl::StrFormat("expected text, found the control character 0x%02X in column %d", c,
                             i + 1);
    }
  }
  return "";
}

class Parser {
 public:
  explicit Parser(std::vector<std::string_view> lines) : lines_(std::move(lines)) {}

  absl::StatusOr<std::vector<ConfigEntry>> Parse() {
    for (line_ = 0; line_ < lines_.size(); ++line_) {
      if (std::string problem = CheckCharacters(lines_[line_]); !problem.empty()) {
        return Error(problem);
      }
    }
    for (line_ = 0; line_ < lines_.size(); ++line_) {
      rest_ = lines_[line_];
      SkipBlanks();
      if (AtLineEnd() || rest_.front() == ';') continue;
      if (absl::Status status = ParseEntry(); !status.ok()) return status;
    }
    return std::move(entries_);
  }

  // The line of the error that Parse() returned, from 1.
  std::size_t line() const { return line_ + 1; }

 private:
  static absl::Status Error(std::string_view message) {
    return absl::InvalidArgumentError(std::string(message));
  }

  void SkipBlanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
  }
  bool Take(char expected) {
    if (!rest_.starts_with(expected)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Whether the line has no more than a comment.
  bool AtLineEnd() const { return rest_.empty() || rest_.front() == '#'; }
  std::string Found() const {
    return rest_.empty() ? "the end of the line"
                         : absl::StrCat("'", Excerpt(rest_, kShownBytes), "'");
  }

  absl::Status ParseEntry() {
    ConfigEntry entry;
    entry.line = static_cast<int>(line_ + 1);
    if (rest_.front() == '[') {
      return Error(
          absl::StrCat("expected key = value, found ", Found(), ": there are no sections"));
    }
    while (!rest_.empty() && IsKeyCharacter(rest_.front())) {
      entry.key += rest_.front();
      rest_.remove_prefix(1);
    }
    if (entry.key.empty()) return Error(absl::StrCat("expected key = value, found ", Found()));
    SkipBlanks();
    if (!Take('=')) {
      return Error(absl::StrCat(entry.key, ": expected = behind the key, found ", Found()));
    }
    if (absl::Status status = ParseValues(entry); !status.ok()) {
      return Error(absl::StrCat(entry.key, ": ", status.message()));
    }
    const auto [first, is_new] = first_lines_.emplace(entry.key, entry.line);
    if (!is_new) {
      return Error(absl::StrCat(entry.key, ": is set a second time, after line ", first->second));
    }
    entries_.push_back(std::move(entry));
    return absl::OkStatus();
  }

  absl::Status ParseValues(ConfigEntry& entry) {
    SkipBlanks();
    entry.is_list = Take('[');
    absl::Status status = entry.is_list ? ParseList(entry.values) : ParseValue(entry.values);
    if (!status.ok()) return status;
    SkipBlanks();
    if (AtLineEnd()) return absl::OkStatus();
    return Error(absl::StrCat("expected the end of the line behind the value, found ", Found(),
                              ": quotes keep a text together"));
  }

  // Goes on to what follows in a list, which may stand some lines on. False at the file's end.
  bool SkipToNext() {
    SkipBlanks();
    while (AtLineEnd()) {
      if (line_ + 1 == lines_.size()) return false;
      rest_ = lines_[++line_];
      SkipBlanks();
    }
    return true;
  }

  absl::Status ParseList(std::vector<std::string>& values) {
    const std::size_t first_line = line_;
    const auto unclosed = [&] {
      line_ = first_line;
      return Error("expected ] behind the list, found the end of the file");
    };
    while (true) {
      if (!SkipToNext()) return unclosed();
      if (Take(']')) return absl::OkStatus();
      if (absl::Status status = ParseValue(values); !status.ok()) return status;
      if (!SkipToNext()) return unclosed();
      if (Take(',')) continue;
      if (Take(']')) return absl::OkStatus();
      return Error(absl::StrCat("expected , or ] in the list, found ", Found()));
    }
  }

  absl::Status ParseValue(std::vector<std::string>& values) {
    if (Take('\'')) return ParseLiteral(values);
    if (Take('"')) return ParseQuoted(values);
    const std::string_view word = rest_.substr(0, rest_.find_first_of(kEndsBareWord));
    if (word.empty()) return Error(absl::StrCat("expected ", kValueForms, ", found ", Found()));
    values.emplace_back(word);
    rest_.remove_prefix(word.size());
    if (rest_.starts_with('#')) {
      return Error(absl::StrCat("expected the end of the line behind the value, found ", Found(),
                                ": a comment needs a blank before it, and a text with # quotes"));
    }
    return absl::OkStatus();
  }

  absl::Status ParseLiteral(std::vector<std::string>& values) {
    const std::size_t end = rest_.find('\'');
    if (end == std::string_view::npos) return Error("expected ' behind the text, in the same line");
    values.emplace_back(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  absl::Status ParseQuoted(std::vector<std::string>& values) {
    std::string value;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        values.push_back(std::move(value));
        rest_.remove_prefix(i + 1);
        return absl::OkStatus();
      }
      if (rest_[i] == '\\') {
        ++i;
        if (i == rest_.size() || (rest_[i] != '"' && rest_[i] != '\\')) {
          return Error(
              "expected \\\" or \\\\ where a backslash stands in double quotes; in single quotes "
              "it stands for itself");
        }
      }
      value += rest_[i];
    }
    return Error("expected \" behind the text, in the same line");
  }

  const std::vector<std::string_view> lines_;
  std::size_t line_ = 0;   // index of the line that `rest_` is the rest of
  std::string_view rest_;  // what is still to be read of it
  std::vector<ConfigEntry> entries_;
  std::map<std::string, int> first_lines_;  // key -> line
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

absl::StatusOr<std::vector<ConfigEntry>> ParseConfigFile(std::string_view text,
                                                         std::string_view name) {
  if (text.size() > kMaxConfigFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        std::string(name), ": expected a file of at most ", kMaxConfigFileBytes, " bytes"));
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Parser parser(SplitLines(text));
  auto entries = parser.Parse();
  if (entries.ok()) return entries;
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(name), ":", parser.line(), ": ", entries.status().message()));
}

absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return absl::ErrnoToStatus(errno, path);
  // One byte more than may be there tells a file that is too long from one that just fits.
  std::string text(kMaxConfigFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return absl::ErrnoToStatus(errno, path);
  return ParseConfigFile(text, path);
}

}  // namespace synth::server
