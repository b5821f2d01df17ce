#include "client/synthctl/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "synth/client/status.h"

namespace synth::synthctl {

std::string Describe(const absl::Status& status) {
  std::string text = absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message());
  if (const auto wait = client::RetryAfter(status); wait.has_value()) {
    absl::StrAppend(&text, " (retry after ", wait->count(), " ms)");
  }
  return text;
}

std::string Excerpt(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kMark = "...";
  constexpr unsigned char kDelete = 0x7F;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::string excerpt(text);
  if (text.size() > max_bytes) {
    std::size_t end = max_bytes > kMark.size() ? max_bytes - kMark.size() : 0;
    while (end > 0 && continues(text[end])) --end;
    excerpt.resize(end);
    excerpt += kMark;
  }
  std::replace_if(
      excerpt.begin(), excerpt.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < static_cast<unsigned char>(' ') || byte == kDelete;
      },
      ' ');
  return excerpt;
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
