// How values are written, for people and for machines.
#ifndef SYNTH_CLIENT_SYNTHCTL_FORMAT_H_
#define SYNTH_CLIENT_SYNTHCTL_FORMAT_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace synth::synthctl {

// "RESOURCE_EXHAUSTED: the queue is full (retry after 120 ms)".
std::string Describe(const absl::Status& status);

// `text` for a line of a terminal: at most `max_bytes`, cut between characters and marked by "..."
// if it is longer. Control characters become spaces: a text must not steer the terminal.
std::string OneLine(std::string_view text, std::size_t max_bytes);

// The shortest decimal form that reads back as the same float; "NaN" and infinities as JSON's null.
void AppendJsonFloat(std::string& out, float value);

// One line of JSON and a newline. Bytes that are not UTF-8 become U+FFFD.
std::string JsonLine(const nlohmann::ordered_json& value);

// What a JSON line says about a text that failed: {"code": "...", "message": "..."}.
nlohmann::ordered_json ErrorJson(const absl::Status& status);

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_FORMAT_H_
