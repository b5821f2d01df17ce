#include "model/text/framing.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace synth {

std::vector<std::int32_t> Framing::Frame(const std::vector<std::int32_t>& body) const {
  std::vector<std::int32_t> ids;
  ids.reserve(body.size() + 2);
  if (cls_) ids.push_back(*cls_);
  ids.insert(ids.end(), body.begin(), body.end());
  if (sep_) ids.push_back(*sep_);
  return ids;
}

bool Framing::Truncate(std::vector<std::int32_t>& ids, int max_tokens) const {
  const auto limit = static_cast<std::size_t>(max_tokens);
  assert(max_tokens > special_tokens());
  if (ids.size() <= limit) return false;
  ids.resize(limit);
  if (sep_) ids.back() = *sep_;
  return true;
}

std::vector<std::vector<std::int32_t>> Framing::Windows(const std::vector<std::int32_t>& ids,
                                                        int max_tokens, int overlap) const {
  if (ids.size() <= static_cast<std::size_t>(max_tokens)) return {ids};
  const auto room = static_cast<std::size_t>(max_tokens - special_tokens());
  assert(overlap >= 0 && static_cast<std::size_t>(overlap) < room);
  const std::size_t body = ids.size() - static_cast<std::size_t>(special_tokens());
  const std::size_t step = room - static_cast<std::size_t>(overlap);
  const std::size_t last = (body - room + step - 1) / step;  // number of the last window, from 0
  const auto first = ids.begin() + (cls_ ? 1 : 0);
  std::vector<std::vector<std::int32_t>> windows(last + 1);
  for (std::size_t i = 0; i <= last; ++i) {
    const auto begin = first + static_cast<std::ptrdiff_t>(i * (body - room) / last);
    windows[i].reserve(static_cast<std::size_t>(max_tokens));
    if (cls_) windows[i].push_back(*cls_);
    windows[i].insert(windows[i].end(), begin, begin + static_cast<std::ptrdiff_t>(room));
    if (sep_) windows[i].push_back(*sep_);
  }
  return windows;
}

std::optional<int> Framing::pair_special_tokens() const {
  if (!sep_ || pairs_ == Pairs::kNone) return std::nullopt;
  return (cls_ ? 1 : 0) + (pairs_ == Pairs::kTwoSeparators ? 3 : 2);
}

TokenPair Framing::Join(const std::vector<std::int32_t>& first,
                        const std::vector<std::int32_t>& second, int max_tokens) const {
  const int special = pair_special_tokens().value_or(max_tokens);
  assert(max_tokens > special);
  const auto body = [this](const std::vector<std::int32_t>& ids) {
    return std::span(ids).subspan(cls_ ? 1 : 0,
                                  ids.size() - static_cast<std::size_t>(special_tokens()));
  };
  std::span<const std::int32_t> a = body(first);
  std::span<const std::int32_t> b = body(second);
  TokenPair pair;
  pair.original_tokens = static_cast<int>(a.size() + b.size()) + special;
  const auto room = static_cast<std::size_t>(max_tokens - special);
  if (a.size() + b.size() > room) {
    // The shorter one stays whole if it takes no more than half of the room; of an odd room the
    // longer one, or else the second, takes the token more.
    const bool is_a_longer = a.size() > b.size();
    const std::size_t of_shorter = std::min({a.size(), b.size(), room / 2});
    a = a.first(is_a_longer ? room - of_shorter : of_shorter);
    b = b.first(is_a_longer ? of_shorter : room - of_shorter);
  }
  pair.ids.reserve(a.size() + b.size() + static_cast<std::size_t>(special));
  if (cls_) pair.ids.push_back(*cls_);
  pair.ids.insert(pair.ids.end(), a.begin(), a.end());
  pair.ids.push_back(*sep_);
  if (pairs_ == Pairs::kTwoSeparators) pair.ids.push_back(*sep_);
  pair.first_segment = static_cast<int>(pair.ids.size());
  pair.ids.insert(pair.ids.end(), b.begin(), b.end());
  pair.ids.push_back(*sep_);
  if (pairs_ == Pairs::kTwoSeparators) pair.first_segment = static_cast<int>(pair.ids.size());
  return pair;
}

}  // namespace synth
