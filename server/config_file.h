#ifndef SYNTH_SERVER_CONFIG_FILE_H_
#define SYNTH_SERVER_CONFIG_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace synth::server {

// The strict reader of a --config file. It knows the file's form, not which options exist.
//
//   # A comment, as are lines that begin with a semicolon.
//   lanes = 2                      # a bare word: no blanks, quotes, commas, brackets or #
//   listen = "[::]:50051"          # in double quotes, \" and \\ stand for themselves
//   metrics-listen = ''            # in single quotes, nothing has a meaning
//   model = ["a=models/a",         # a list; it may span lines
//            "b=models/b"]
//
// This is TOML without sections and types, and with bare words. Everything else is an error: a
// server whose operator mistyped a limit must not start without it.

inline constexpr std::size_t kMaxConfigFileBytes = 1 << 20;
inline constexpr std::size_t kMaxConfigLineBytes = 8192;

struct ConfigEntry {
  int line = 0;  // from 1: that of the key
  std::string key;
  std::vector<std::string> values;  // one, if it is no list
  bool is_list = false;
};

// Reads the text of a file called `name`, without a byte order mark at its head. Entries come in
// the order of the file, and no key twice. Errors are INVALID_ARGUMENT and begin with "NAME:LINE:
// ".
absl::StatusOr<std::vector<ConfigEntry>> ParseConfigFile(std::string_view text,
                                                         std::string_view name);

// The same for a file, which may be a pipe. Errors name the file.
absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path);

}  // namespace synth::server

#endif  // SYNTH_SERVER_CONFIG_FILE_H_
