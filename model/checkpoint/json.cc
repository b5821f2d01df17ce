#include "model/checkpoint/json.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/strings.h"
#include "synth/utf8.h"

namespace synth {
namespace {

// A config or a safetensors header needs 5; the limit keeps recursive code (dump, destructors)
// shallow.
constexpr int kMaxDepth = 32;
constexpr std::size_t kShownBytes = 80;

bool IsTooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Sees every parse event and remembers the first key that its object already has.
class DuplicateKeys {
 public:
  void See(nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end && !open_.empty()) open_.pop_back();
    if (event != Event::key || first_ || open_.empty()) return;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open_.back().insert(key).second) first_ = key;
  }
  const std::optional<std::string>& first() const { return first_; }

 private:
  std::vector<std::unordered_set<std::string>> open_;
  std::optional<std::string> first_;
};

}  // namespace

absl::StatusOr<nlohmann::json> ParseJson(std::string_view text) {
  if (IsTooDeep(text)) {
    return absl::InvalidArgumentError(Cat("expected JSON, found nesting deeper than ", kMaxDepth));
  }
  DuplicateKeys duplicates;
  const auto see = [&duplicates](int, nlohmann::json::parse_event_t event,
                                 const nlohmann::json& parsed) {
    duplicates.See(event, parsed);
    return true;
  };
  try {
    auto value = nlohmann::json::parse(text.begin(), text.end(), see);
    if (duplicates.first()) {
      return absl::InvalidArgumentError(
          Cat("the key ", Excerpt(*duplicates.first()), " is there twice"));
    }
    return value;
  } catch (const nlohmann::json::parse_error& error) {
    return absl::InvalidArgumentError(
        Cat("expected JSON, found something else at byte ", error.byte));
  } catch (const nlohmann::json::exception&) {  // a number beyond the range of a double
    return absl::InvalidArgumentError("expected JSON, found a number that is out of range");
  }
}

std::string Excerpt(const nlohmann::json& value) {
  constexpr int kOnOneLine = -1;
  return Excerpt(value.dump(kOnOneLine, ' ', true, nlohmann::json::error_handler_t::replace),
                 kShownBytes);
}

}  // namespace synth
