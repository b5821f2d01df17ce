#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>

#include "absl/status/status.h"
#include "server/config_file.h"
#include "synth/utf8.h"
#include "tests/fuzz/fuzz_check.h"

int FuzzOptionsFile(const std::uint8_t* data, std::size_t size);

// The input as a --config file.
int FuzzOptionsFile(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = synth::server::ParseConfigFile(text, "file");
  if (!entries.ok()) {
    synth::FuzzCheck(absl::IsInvalidArgument(entries.status()));
    synth::FuzzCheck(entries.status().message().size() > sizeof("file:"));
    return 0;
  }
  std::set<std::string_view> keys;
  int line = 0;
  for (const synth::server::ConfigEntry& entry : *entries) {
    synth::FuzzCheck(entry.line > line);
    line = entry.line;
    synth::FuzzCheck(!entry.key.empty() && keys.insert(entry.key).second);
    synth::FuzzCheck(entry.is_list || entry.values.size() == 1);
    for (const std::string_view value : entry.values) {
      synth::FuzzCheck(value.size() <= synth::server::kMaxConfigLineBytes);
      synth::FuzzCheck(!synth::FirstInvalidUtf8(value));
      synth::FuzzCheck(value.find_first_of("\r\n") == std::string_view::npos);
    }
  }
  return 0;
}
