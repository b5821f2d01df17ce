#include "model/text/added_tokens.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/characters.h"
#include "model/text/double_array.h"
#include "model/text/utf8_characters.h"

namespace synth {
namespace {

std::vector<std::pair<std::string, std::int32_t>> Keys(const std::vector<AddedToken>& tokens) {
  std::vector<std::pair<std::string, std::int32_t>> keys;
  keys.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    keys.emplace_back(tokens[i].content, static_cast<std::int32_t>(i));
  return keys;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens)
    : characters_(Characters::Get()), tokens_(std::move(tokens)), trie_(Keys(tokens_)) {
  for (const AddedToken& token : tokens_) {
    assert(!token.content.empty() && token.content.size() <= kMaxBytes);
    begins_[static_cast<std::uint8_t>(token.content.front())] = true;
  }
  if (std::count(begins_.begin(), begins_.end(), true) == 1) {
    only_first_ = tokens_.front().content.front();
  }
}

const AddedToken* AddedTokens::Longest(std::string_view text) const {
  const AddedToken* longest = nullptr;
  DoubleArray::Node node = DoubleArray::kRoot;
  for (const char c : text) {
    node = trie_.Child(node, static_cast<std::uint8_t>(c));
    if (node == DoubleArray::kNoNode) break;
    const std::int32_t value = trie_.value(node);
    if (value != DoubleArray::kNoValue) longest = &tokens_[static_cast<std::size_t>(value)];
  }
  return longest;
}

AddedTokens::Match AddedTokens::Find(std::string_view text, std::size_t from) const {
  while (from < text.size()) {
    if (only_first_) {
      from = text.find(*only_first_, from);
      if (from == std::string_view::npos) break;
    } else if (!begins_[static_cast<std::uint8_t>(text[from])]) {
      ++from;
      continue;
    }
    if (const AddedToken* token = Longest(text.substr(from))) {
      return {from, from + token->content.size(), token};
    }
    ++from;
  }
  return {text.size(), text.size(), nullptr};
}

bool AddedTokens::IsSingleWord(std::string_view text, const Match& match) const {
  if (match.begin > 0 && Has(CharacterBefore(text, match.begin).code, Characters::kWord)) {
    return false;
  }
  return match.end == text.size() || !Has(CharacterAt(text, match.end).code, Characters::kWord);
}

void AddedTokens::Split(std::string_view text, Visit visit) const {
  std::size_t done = 0;
  std::size_t stripped = 0;
  for (std::size_t from = 0; !tokens_.empty();) {
    Match match = Find(text, from);
    if (match.token == nullptr) break;
    // One that does not count hides those inside it all the same.
    from = match.end;
    if (match.token->single_word && !IsSingleWord(text, match)) continue;
    if (match.token->lstrip) {
      // Not what the last token has taken, even if this one begins there.
      match.begin = std::max(match.begin, done);
      while (match.begin > done) {
        const Utf8Character before = CharacterBefore(text, match.begin);
        if (!Has(before.code, Characters::kSpace)) break;
        match.begin -= before.size;
      }
    }
    if (match.token->rstrip) {
      // Where the last one was stripped to, so that tokens of white space look at it once.
      if (match.end < stripped) match.end = stripped;
      while (match.end < text.size()) {
        const Utf8Character behind = CharacterAt(text, match.end);
        if (!Has(behind.code, Characters::kSpace)) break;
        match.end += behind.size;
      }
      stripped = match.end;
    }
    // The last token has taken all of this one, which is white space.
    if (match.begin >= match.end) continue;
    if (done < match.begin) visit(text.substr(done, match.begin - done), std::nullopt);
    visit({}, match.token->id);
    done = match.end;
  }
  if (done < text.size()) visit(text.substr(done), std::nullopt);
}

}  // namespace synth
