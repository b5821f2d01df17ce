#include "client/synthctl/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "synth/client/status.h"
#include "synth/utf8.h"

namespace synth::synthctl {

std::string Describe(const absl::Status& status) {
  std::string text = absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  if (const auto wait = client::RetryAfter(status); wait.has_value()) {
    absl::StrAppend(&text, " (retry after ", wait->count(), " ms)");
  }
  return text;
}

std::string OneLine(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kMark = "...";
  constexpr unsigned char kDelete = 0x7F;
  std::string line(text);
  if (text.size() > max_bytes) {
    line = CutUtf8(text, max_bytes > kMark.size() ? max_bytes - kMark.size() : 0);
    line += kMark;
  }
  std::replace_if(
      line.begin(), line.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < static_cast<unsigned char>(' ') || byte == kDelete;
      },
      ' ');
  return line;
}

void AppendJsonFloat(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  constexpr std::size_t kLongestFloat = 32;
  std::array<char, kLongestFloat> buffer{};
  const std::to_chars_result end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
}

std::string JsonLine(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

nlohmann::ordered_json ErrorJson(const absl::Status& status) {
  return {{"code", absl::StatusCodeToString(status.code())},
          {"message", absl::StrCat(status.message())}};
}

}  // namespace synth::synthctl
