#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/synthctl/text_input.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzTextInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::uint64_t kMaxTextBytes = 16;

// The lines come back byte for byte, but for a mark at the head and the returns before line ends.
void Read(const std::string& file, std::string_view bytes, bool tsv) {
  synth::synthctl::TextInputOptions options;
  options.file = file;
  options.tsv = tsv;
  auto input = synth::synthctl::TextInput::Open(options);
  synth::FuzzCheck(input.ok());
  (*input)->SetMaxTextBytes(kMaxTextBytes);
  std::size_t texts = 0;
  std::size_t found = 0;
  while (const std::optional<synth::client::BulkText> text = (*input)->Next()) {
    ++texts;
    found += text->text.size() + text->tag.size();
    synth::FuzzCheck(text->text.find('\n') == std::string::npos);
    synth::FuzzCheck(text->tag.find_first_of("\t\n") == std::string::npos);
    if (text->text.size() > kMaxTextBytes) synth::FuzzCheck(!text->status.ok());
    synth::FuzzCheck(tsv || text->tag.empty());
    const std::size_t at = bytes.find(text->text);
    synth::FuzzCheck(at != std::string_view::npos);
  }
  synth::FuzzCheck((*input)->ReadStatus().ok());
  synth::FuzzCheck(found <= bytes.size() && texts <= bytes.size());
}

}  // namespace

// The input as a file of texts, and as one of label<TAB>text.
int FuzzTextInput(const std::uint8_t* data, std::size_t size) {
  const int descriptor = memfd_create("texts", MFD_CLOEXEC);
  synth::FuzzCheck(descriptor >= 0);
  synth::FuzzCheck(write(descriptor, data, size) == static_cast<ssize_t>(size));
  const std::string file = "/proc/self/fd/" + std::to_string(descriptor);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Read(file, bytes, false);
  Read(file, bytes, true);
  close(descriptor);
  return 0;
}
