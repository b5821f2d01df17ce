#include "model/text/tokenizer_json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/checkpoint/json.h"
#include "model/strings.h"
#include "model/text/added_tokens.h"
#include "model/text/wordpiece_parts.h"
#include "model/text/wordpiece_tokenizer.h"
#include "synth/tokenizer.h"

namespace synth {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxId = std::numeric_limits<std::int32_t>::max() - 1;

absl::Status Expected(std::string_view where, std::string_view expected, const json& found) {
  return absl::InvalidArgumentError(
      Cat(where, ": expected ", expected, ", found ", Excerpt(found)));
}

// A value of the file and its place in it, for messages.
struct Value {
  const json& value;
  std::string where;
};

// An object that has no keys but these; absent keys are for the caller to find.
absl::Status CheckObject(const Value& object, std::initializer_list<std::string_view> keys) {
  if (!object.value.is_object()) return Expected(object.where, "an object", object.value);
  for (const auto& [key, value] : object.value.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      return absl::InvalidArgumentError(
          Cat(object.where, ": the key ", Excerpt(key), " is not understood"));
    }
  }
  return absl::OkStatus();
}

// null where there is none.
Value Member(const Value& object, const char* key) {
  static const json kNull;
  std::string where = object.where.empty() ? key : Cat(object.where, ".", key);
  const auto found = object.value.find(key);
  return {found == object.value.end() ? kNull : *found, std::move(where)};
}

absl::Status ReadBool(const Value& value, bool& out) {
  if (!value.value.is_boolean()) return Expected(value.where, "true or false", value.value);
  out = value.value.get<bool>();
  return absl::OkStatus();
}

absl::Status ReadString(const Value& value, std::string& out) {
  if (!value.value.is_string()) return Expected(value.where, "a string", value.value);
  out = value.value.get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadSize(const Value& value, std::size_t& out) {
  if (!value.value.is_number_unsigned()) {
    return Expected(value.where, "an integer of 0 or more", value.value);
  }
  out = value.value.get<std::size_t>();
  return absl::OkStatus();
}

absl::Status ReadId(const Value& value, std::int32_t& out) {
  std::size_t id = 0;
  if (absl::Status status = ReadSize(value, id); !status.ok()) return status;
  if (id > kMaxId) return Expected(value.where, Cat("an id up to ", kMaxId), value.value);
  out = static_cast<std::int32_t>(id);
  return absl::OkStatus();
}

absl::Status CheckType(const Value& object, std::string_view type) {
  if (!object.value.is_object()) {
    return Expected(object.where, Cat("an object of type ", type), object.value);
  }
  const Value found = Member(object, "type");
  if (found.value != json(std::string(type))) return Expected(found.where, type, found.value);
  return absl::OkStatus();
}

absl::Status ReadNormalizer(const Value& object, BertNormalizerConfig& config) {
  if (absl::Status status = CheckType(object, "BertNormalizer"); !status.ok()) return status;
  absl::Status status = CheckObject(
      object, {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
  status.Update(ReadBool(Member(object, "clean_text"), config.clean_text));
  status.Update(ReadBool(Member(object, "handle_chinese_chars"), config.handle_chinese_chars));
  status.Update(ReadBool(Member(object, "lowercase"), config.lowercase));
  if (const Value strip = Member(object, "strip_accents"); !strip.value.is_null()) {
    status.Update(ReadBool(strip, config.strip_accents.emplace()));
  }
  return status;
}

absl::Status ReadPreTokenizer(const Value& object) {
  if (absl::Status status = CheckType(object, "BertPreTokenizer"); !status.ok()) return status;
  return CheckObject(object, {"type"});
}

// Reads one tokenizer.json into its parts.
class Reader {
 public:
  absl::Status Read(const json& file) {
    const Value root = {file, ""};
    if (!file.is_object()) return Expected("tokenizer.json", "an object", file);
    absl::Status status =
        CheckObject(root, {"version", "truncation", "padding", "added_tokens", "normalizer",
                           "pre_tokenizer", "post_processor", "decoder", "model"});
    if (!status.ok()) return status;
    const Value version = Member(root, "version");
    if (version.value != json("1.0")) return Expected(version.where, "\"1.0\"", version.value);
    status.Update(ReadNormalizer(Member(root, "normalizer"), parts_.normalizer));
    status.Update(ReadPreTokenizer(Member(root, "pre_tokenizer")));
    if (status.ok()) status = ReadModel(Member(root, "model"));
    if (status.ok()) status = ReadAddedTokens(Member(root, "added_tokens"));
    if (status.ok()) status = ReadPostProcessor(Member(root, "post_processor"));
    return status;
  }

  WordPieceParts TakeParts() { return std::move(parts_); }

 private:
  absl::Status ReadModel(const Value& object) {
    // Files of 2020 have no type: these keys are WordPiece's alone.
    if (object.value.is_object() && object.value.contains("type")) {
      if (absl::Status status = CheckType(object, "WordPiece"); !status.ok()) return status;
    }
    absl::Status status = CheckObject(object, {"type", "unk_token", "continuing_subword_prefix",
                                               "max_input_chars_per_word", "vocab"});
    if (!status.ok()) return status;
    std::string unk;
    status.Update(ReadString(Member(object, "unk_token"), unk));
    status.Update(
        ReadString(Member(object, "continuing_subword_prefix"), parts_.continuing_subword_prefix));
    status.Update(
        ReadSize(Member(object, "max_input_chars_per_word"), parts_.max_input_chars_per_word));
    if (status.ok()) status = ReadVocab(Member(object, "vocab"));
    if (!status.ok()) return status;
    const std::optional<std::int32_t> id = Find(unk);
    if (!id) {
      return absl::InvalidArgumentError(
          Cat(object.where, ".vocab: has no piece ", Excerpt(unk), ", the unk_token"));
    }
    parts_.unk = *id;
    return absl::OkStatus();
  }

  absl::Status ReadVocab(const Value& object) {
    if (!object.value.is_object()) return Expected(object.where, "an object", object.value);
    const std::size_t size = object.value.size();
    if (size == 0) return absl::InvalidArgumentError(Cat(object.where, ": has no pieces"));
    parts_.pieces.resize(size);
    std::vector<bool> taken(size);
    for (const auto& [piece, id] : object.value.items()) {
      const std::string where = Cat(object.where, "[", Excerpt(piece), "]");
      // So many pieces have ids without a gap only if each is below their number.
      if (!id.is_number_unsigned() || id.get<std::size_t>() >= size) {
        return Expected(where, Cat("an id below ", size, ", the number of pieces"), id);
      }
      const auto place = id.get<std::size_t>();
      if (taken[place]) {
        return absl::InvalidArgumentError(
            Cat(where, ": the id ", place, " is also that of ", Excerpt(parts_.pieces[place])));
      }
      taken[place] = true;
      parts_.pieces[place] = piece;
      ids_[piece] = static_cast<std::int32_t>(place);
    }
    return absl::OkStatus();
  }

  absl::Status ReadAddedTokens(const Value& array) {
    if (array.value.is_null()) return absl::OkStatus();
    if (!array.value.is_array()) return Expected(array.where, "an array", array.value);
    for (std::size_t i = 0; i < array.value.size(); ++i) {
      const Value object = {array.value[i], Cat(array.where, "[", i, "]")};
      absl::Status status = CheckObject(
          object, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
      if (!status.ok()) return status;
      AddedToken token;
      bool special = false;  // says what a decoder leaves out
      status.Update(ReadString(Member(object, "content"), token.content));
      status.Update(ReadId(Member(object, "id"), token.id));
      status.Update(ReadBool(Member(object, "single_word"), token.single_word));
      status.Update(ReadBool(Member(object, "lstrip"), token.lstrip));
      status.Update(ReadBool(Member(object, "rstrip"), token.rstrip));
      status.Update(ReadBool(Member(object, "normalized"), token.normalized));
      status.Update(ReadBool(Member(object, "special"), special));
      if (!status.ok()) return status;
      // The id that Hugging Face gives it, whatever the file says.
      const std::int32_t id =
          Find(token.content).value_or(static_cast<std::int32_t>(parts_.pieces.size() + more_));
      if (token.id != id) {
        return Expected(Cat(object.where, ".id"), Cat(id, " for ", Excerpt(token.content)),
                        json(token.id));
      }
      if (static_cast<std::size_t>(id) == parts_.pieces.size() + more_) {
        ++more_;
        ids_[token.content] = id;
      }
      parts_.added_tokens.push_back(std::move(token));
    }
    return absl::OkStatus();
  }

  absl::Status ReadPostProcessor(const Value& object) {
    if (object.value.is_null()) {
      parts_.pairs = Framing::Pairs::kNone;
      return absl::OkStatus();
    }
    if (object.value.is_object() && Member(object, "type").value == json("BertProcessing")) {
      absl::Status status = CheckObject(object, {"type", "sep", "cls"});
      status.Update(ReadPair(Member(object, "sep"), parts_.sep));
      status.Update(ReadPair(Member(object, "cls"), parts_.cls));
      return status;
    }
    if (absl::Status status = CheckType(object, "TemplateProcessing"); !status.ok()) {
      return absl::InvalidArgumentError(
          Cat(std::string_view(status.message().data(), status.message().size()),
              " (BertProcessing would do, too)"));
    }
    if (absl::Status status = CheckObject(object, {"type", "single", "pair", "special_tokens"});
        !status.ok()) {
      return status;
    }
    absl::Status status = ReadTemplate(Member(object, "single"), Member(object, "special_tokens"));
    parts_.pairs = ReadPairTemplate(Member(object, "pair").value);
    return status;
  }

  // What stands around and between two texts. A template of another form is no error, for few
  // models read pairs; this one does not, then.
  Framing::Pairs ReadPairTemplate(const json& steps) const {
    if (!parts_.sep) return Framing::Pairs::kNone;
    const auto text = [](const char* id, int type) {
      return json{{"Sequence", {{"id", id}, {"type_id", type}}}};
    };
    const auto special = [this](std::int32_t id, int type) {
      return json{{"SpecialToken", {{"id", PieceOf(id)}, {"type_id", type}}}};
    };
    json expected = json::array();
    if (parts_.cls) expected.push_back(special(*parts_.cls, 0));
    expected.push_back(text("A", 0));
    expected.push_back(special(*parts_.sep, 0));
    expected.push_back(text("B", 1));
    expected.push_back(special(*parts_.sep, 1));
    return steps == expected ? Framing::Pairs::kOneSeparator : Framing::Pairs::kNone;
  }

  std::string PieceOf(std::int32_t id) const {
    const auto place = static_cast<std::size_t>(id);
    if (place < parts_.pieces.size()) return parts_.pieces[place];
    const auto added = std::ranges::find(parts_.added_tokens, id, &AddedToken::id);
    return added == parts_.added_tokens.end() ? "" : added->content;
  }

  // ["[SEP]", 102]
  absl::Status ReadPair(const Value& pair, std::optional<std::int32_t>& id) {
    if (!pair.value.is_array() || pair.value.size() != 2 || !pair.value[0].is_string()) {
      return Expected(pair.where, "a token and its id", pair.value);
    }
    return ReadToken({pair.value[1], pair.where}, pair.value[0].get<std::string>(), id);
  }

  // An id that is that of `token`.
  absl::Status ReadToken(const Value& value, const std::string& token,
                         std::optional<std::int32_t>& id) {
    if (absl::Status status = ReadId(value, id.emplace()); !status.ok()) return status;
    if (Find(token) != id) {
      return absl::InvalidArgumentError(
          Cat(value.where, ": ", Excerpt(token), " has not the id ", *id));
    }
    return absl::OkStatus();
  }

  // A special token or none, the text, a special token or none.
  absl::Status ReadTemplate(const Value& steps, const Value& tokens) {
    if (!steps.value.is_array()) return Expected(steps.where, "an array", steps.value);
    static const json kText = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    bool has_text = false;
    for (std::size_t i = 0; i < steps.value.size(); ++i) {
      const Value step = {steps.value[i], Cat(steps.where, "[", i, "]")};
      if (step.value == kText && !has_text) {
        has_text = true;
        continue;
      }
      std::optional<std::int32_t>& id = has_text ? parts_.sep : parts_.cls;
      if (!step.value.is_object() || !step.value.contains("SpecialToken") || id) {
        return Expected(step.where,
                        "one SpecialToken or none, Sequence A and one SpecialToken or none, each "
                        "of type_id 0",
                        step.value);
      }
      if (absl::Status status = ReadSpecialToken(step, tokens, id); !status.ok()) return status;
    }
    return has_text ? absl::OkStatus() : Expected(steps.where, "Sequence A", steps.value);
  }

  // {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, where `tokens` has
  // "[CLS]": {"id": "[CLS]", "ids": [101], "tokens": ["[CLS]"]}.
  absl::Status ReadSpecialToken(const Value& step, const Value& tokens,
                                std::optional<std::int32_t>& id) {
    if (absl::Status status = CheckObject(step, {"SpecialToken"}); !status.ok()) return status;
    const Value use = Member(step, "SpecialToken");
    if (absl::Status status = CheckObject(use, {"id", "type_id"}); !status.ok()) return status;
    std::string name;
    if (absl::Status status = ReadString(Member(use, "id"), name); !status.ok()) return status;
    if (const Value type = Member(use, "type_id"); type.value != json(0)) {
      return Expected(type.where, "0", type.value);
    }
    if (!tokens.value.is_object()) return Expected(tokens.where, "an object", tokens.value);
    const Value token = Member(tokens, name.c_str());
    if (absl::Status status = CheckObject(token, {"id", "ids", "tokens"}); !status.ok()) {
      return status;
    }
    const Value ids = Member(token, "ids");
    const Value pieces = Member(token, "tokens");
    if (!ids.value.is_array() || ids.value.size() != 1) {
      return Expected(ids.where, "one id", ids.value);
    }
    if (!pieces.value.is_array() || pieces.value.size() != 1 || !pieces.value[0].is_string()) {
      return Expected(pieces.where, "one token", pieces.value);
    }
    return ReadToken({ids.value[0], ids.where}, pieces.value[0].get<std::string>(), id);
  }

  std::optional<std::int32_t> Find(const std::string& piece) const {
    const auto found = ids_.find(piece);
    if (found == ids_.end()) return std::nullopt;
    return found->second;
  }

  WordPieceParts parts_;
  std::unordered_map<std::string, std::int32_t> ids_;  // of pieces and added tokens
  std::size_t more_ = 0;                               // added tokens that are no pieces
};

}  // namespace

absl::StatusOr<std::unique_ptr<const Tokenizer>> LoadTokenizerJson(
    std::string_view tokenizer_json) {
  if (tokenizer_json.size() > kMaxVocabBytes) {
    return absl::InvalidArgumentError(Cat("tokenizer.json has ", tokenizer_json.size(),
                                          " bytes, which are more than ", kMaxVocabBytes,
                                          ", the limit"));
  }
  absl::StatusOr<json> file = ParseJson(tokenizer_json);
  if (!file.ok()) return file.status();
  Reader reader;
  if (absl::Status status = reader.Read(*file); !status.ok()) return status;
  return MakeWordPiece(reader.TakeParts());
}

}  // namespace synth
