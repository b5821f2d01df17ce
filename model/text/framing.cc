#include "model/text/framing.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
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

}  // namespace synth
