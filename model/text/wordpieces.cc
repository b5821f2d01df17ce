#include "model/text/wordpieces.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/double_array.h"

namespace synth {
namespace {

// Both tries in one: the first byte of a key tells which.
constexpr char kWord = 0;
constexpr char kRest = 1;

std::vector<std::pair<std::string, std::int32_t>> Keys(const std::vector<std::string>& pieces,
                                                       std::string_view prefix) {
  std::vector<std::pair<std::string, std::int32_t>> keys;
  keys.reserve(pieces.size() * 2);
  bool has_rest = false;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const std::string& piece = pieces[i];
    if (piece.empty()) continue;
    keys.emplace_back(kWord + piece, id);
    if (piece.size() > prefix.size() && piece.compare(0, prefix.size(), prefix) == 0) {
      keys.emplace_back(kRest + piece.substr(prefix.size()), id);
      has_rest = true;
    }
  }
  // The roots are there even if nothing is below them.
  if (keys.empty()) keys.emplace_back(std::string(1, kWord), DoubleArray::kNoValue);
  if (!has_rest) keys.emplace_back(std::string(1, kRest), DoubleArray::kNoValue);
  return keys;
}

}  // namespace

WordPieces::WordPieces(const std::vector<std::string>& pieces, std::string_view continuing_prefix)
    : trie_(Keys(pieces, continuing_prefix)),
      word_(trie_.Child(DoubleArray::kRoot, kWord)),
      rest_(trie_.Child(DoubleArray::kRoot, kRest)),
      failures_(trie_.size()) {
  for (const Node node : trie_.nodes()) {
    if (node != DoubleArray::kRoot && node != word_ && node != rest_) FindFailure(node);
  }
}

// The failure of a node depends on those of nodes nearer to the root: its parent, and where that
// leads.
void WordPieces::FindFailure(Node node) {
  if (const std::int32_t id = trie_.value(node); id != DoubleArray::kNoValue) {
    // The text up to here is a piece, and the longest one.
    links_.push_back({id, kNoLink});
    failures_[node] = {rest_, static_cast<std::uint32_t>(links_.size() - 1)};
    return;
  }
  const std::size_t links_before = links_.size();
  const std::uint8_t byte = trie_.byte(node);
  Failure failure = failures_[trie_.parent(node)];
  std::vector<std::int32_t> ids;
  while (failure.next != DoubleArray::kNoNode) {
    if (const Node child = trie_.Child(failure.next, byte); child != DoubleArray::kNoNode) {
      failures_[node] = {child, failure.ids};
      return;
    }
    const Failure& next = failures_[failure.next];
    ids.clear();
    AppendChain(next.ids, ids);
    for (const std::int32_t id : ids) {
      links_.push_back({id, failure.ids});
      failure.ids = static_cast<std::uint32_t>(links_.size() - 1);
    }
    failure.next = next.next;
  }
  links_.resize(links_before);
}

void WordPieces::AppendChain(std::uint32_t link, std::vector<std::int32_t>& ids) const {
  if (link == kNoLink) return;
  if (links_[link].before == kNoLink) {  // as most are
    ids.push_back(links_[link].id);
    return;
  }
  const std::size_t begin = ids.size();
  for (; link != kNoLink; link = links_[link].before) ids.push_back(links_[link].id);
  std::reverse(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end());
}

bool WordPieces::Append(std::string_view word, std::vector<std::int32_t>& ids) const {
  const std::size_t before = ids.size();
  Node node = word_;
  const auto fail = [this, &node, &ids] {
    const Failure& failure = failures_[node];
    if (failure.next == DoubleArray::kNoNode) return false;
    AppendChain(failure.ids, ids);
    node = failure.next;
    return true;
  };
  for (const char c : word) {
    Node child = trie_.Child(node, static_cast<std::uint8_t>(c));
    while (child == DoubleArray::kNoNode) {
      if (!fail()) {
        ids.resize(before);
        return false;
      }
      child = trie_.Child(node, static_cast<std::uint8_t>(c));
    }
    node = child;
  }
  // The end of a word goes on from no node; what is left must come out even.
  while (node != rest_) {
    if (!fail()) {
      ids.resize(before);
      return false;
    }
  }
  return true;
}

}  // namespace synth
