#include "client/synthctl/text_input.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/synthctl/options.h"
#include "client/synthctl/raw_arguments.h"
#include "synth/utf8.h"

namespace synth::synthctl {
namespace {

constexpr std::size_t kMaxBatch = 65'536;
constexpr std::size_t kMaxConcurrency = 1024;
constexpr double kMaxPatienceSeconds = 86'400;

// What stands before the first tab of `text` goes there, and only the rest stays. False if there is
// no tab.
bool TakeBeforeTab(std::string& text, std::string& before) {
  const std::size_t tab = text.find('\t');
  if (tab == std::string::npos) return false;
  before = text.substr(0, tab);
  text.erase(0, tab + 1);
  return true;
}

}  // namespace

client::BulkOptions TextInputOptions::ForBulk() const {
  client::BulkOptions bulk;
  bulk.texts_per_request = batch;
  bulk.max_in_flight = concurrency;
  bulk.patience = ToMillis(patience_seconds);
  return bulk;
}

void AddTextInputOptions(CLI::App& command, TextInputOptions& options) {
  CLI::Option* texts =
      AddTexts(command, "texts", options.texts,
               "the texts, byte for byte; behind -- also with a leading dash; without them --file "
               "or standard input")
          ->type_name("TEXT");
  command
      .add_option("-f,--file", options.file, "a file with one text per line; - is standard input")
      ->type_name("FILE")
      ->excludes(texts);
  command
      .add_option("--batch", options.batch,
                  "texts per request; 1 answers standard input line by line")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kMaxBatch))
      ->capture_default_str();
  command.add_option("--concurrency", options.concurrency, "requests in flight")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, kMaxConcurrency))
      ->capture_default_str();
  command
      .add_option("--patience", options.patience_seconds,
                  "how long to send a request again that the server is too busy for")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, kMaxPatienceSeconds))
      ->capture_default_str();
}

void AddTsvOption(CLI::App& command, TextInputOptions& options) {
  command.add_flag("--tsv", options.tsv, "lines are label<TAB>text");
}

void AddPairsOption(CLI::App& command, TextInputOptions& options) {
  command.add_flag("--pairs", options.pairs,
                   "texts are text<TAB>second text, for models that read two");
}

void TextInput::CloseFile::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

absl::StatusOr<std::unique_ptr<TextInput>> TextInput::Open(const TextInputOptions& options) {
  std::unique_ptr<TextInput> input(new TextInput());
  input->tsv_ = options.tsv;
  input->pairs_ = options.pairs;
  if (!options.texts.empty()) {
    input->texts_ = options.texts;
    return input;
  }
  const bool standard = options.file.empty() || options.file == "-";
  input->file_name_ = standard ? "standard input" : options.file;
  input->file_.reset(standard ? stdin : std::fopen(options.file.c_str(), "rbe"));
  if (input->file_ == nullptr) return absl::ErrnoToStatus(errno, input->file_name_);
  struct stat info {};
  if (fstat(fileno(input->file_.get()), &info) == 0 && S_ISREG(info.st_mode)) {
    input->file_bytes_ = static_cast<uint64_t>(info.st_size);
    input->file_id_ = FileId{info.st_dev, info.st_ino};
  }
  return input;
}

bool TextInput::ReadLine() {
  // By characters: fgets() could not tell a NUL in the text from the end of what it read. The
  // stream is this thread's alone, so that it need not be locked for each of them.
  line_.clear();
  int next = getc_unlocked(file_.get());
  while (next != EOF && next != '\n') {
    line_.push_back(static_cast<char>(next));
    next = getc_unlocked(file_.get());
  }
  if (next == EOF && std::ferror(file_.get()) != 0) {
    status_ = absl::ErrnoToStatus(errno, file_name_);
    return false;
  }
  const bool has_end = next == '\n';
  if (!has_end && line_.empty()) return false;
  bytes_read_.fetch_add(line_.size() + (has_end ? 1 : 0), std::memory_order_relaxed);
  if (has_end && !line_.empty() && line_.back() == '\r') line_.pop_back();
  // Editors on Windows mark a file as UTF-8 with it. Elsewhere the same bytes are part of a text.
  if (at_start_ && line_.starts_with(kByteOrderMark)) line_.erase(0, kByteOrderMark.size());
  at_start_ = false;
  // A file of nothing but the mark has no texts, like an empty one.
  return has_end || !line_.empty();
}

std::optional<client::BulkText> TextInput::Next() {
  std::string text;
  if (file_ != nullptr) {
    if (!ReadLine()) return std::nullopt;
    text = line_;
  } else {
    if (next_text_ == texts_.size()) return std::nullopt;
    text = texts_[next_text_++];
  }
  client::BulkText next = Parse(std::move(text));
  const auto check = [&](const std::string& part) {
    if (max_text_bytes_ == 0 || part.size() <= max_text_bytes_) return;
    next.status.Update(absl::InvalidArgumentError(
        absl::StrCat("expected a text of at most ", max_text_bytes_,
                     " bytes, the server's limit, found ", part.size(), "; not sent")));
  };
  check(next.text);
  if (next.pair) check(*next.pair);
  return next;
}

client::BulkText TextInput::Parse(std::string text) const {
  client::BulkText parsed{.text = std::move(text), .tag = "", .status = absl::OkStatus()};
  if (tsv_ && !TakeBeforeTab(parsed.text, parsed.tag)) {
    parsed.status = absl::InvalidArgumentError("no tab: expected label<TAB>text");
  }
  if (!pairs_) return parsed;
  std::string first;
  if (TakeBeforeTab(parsed.text, first)) {
    parsed.pair = std::exchange(parsed.text, std::move(first));
  } else {
    parsed.status.Update(absl::InvalidArgumentError("no tab: expected text<TAB>second text"));
  }
  return parsed;
}

std::string TextInput::NameOf(std::size_t index) const {
  return absl::StrCat(file_ != nullptr ? "line " : "text ", index + 1);
}

std::optional<double> TextInput::FractionRead() const {
  if (file_bytes_ == 0) return std::nullopt;
  const auto read = static_cast<double>(bytes_read_.load(std::memory_order_relaxed));
  return std::min(1.0, read / static_cast<double>(file_bytes_));
}

}  // namespace synth::synthctl
