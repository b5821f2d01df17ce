// Folders of Hugging Face's encoders, each broken in one way: none loads, and each error names the
// file and the key in words of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "synth/model.h"
#include "tests/model/test_checkpoint.h"
#include "tests/paths.h"

namespace synth {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kTensors = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kWord = "bert.embeddings.word_embeddings.weight";

// A good folder, to be broken.
class BrokenFolder {
 public:
  explicit BrokenFolder(const std::string& golden) {
    fs::copy(paths::SourcePath("tests/golden") / fs::path(golden), path());
    fs::remove(path() / "golden.safetensors");
  }

  const fs::path& path() const { return folder_.path(); }
  void Write(const std::string& name, std::string_view bytes) const {
    fs::create_directories((path() / name).parent_path());
    WriteFile(path() / name, bytes);
  }
  void WriteJson(const std::string& name, const json& value) const { Write(name, value.dump()); }
  void Remove(const std::string& name) const { fs::remove(path() / name); }
  void Link(const std::string& name, const std::string& to) const {
    Remove(name);
    fs::create_symlink(to, path() / name);
  }
  void Edit(const std::string& name, const std::function<void(json&)>& edit) const {
    json value = json::parse(ReadFile(path() / name));
    edit(value);
    WriteJson(name, value);
  }
  void Set(const std::string& key, const json& value) const {
    Edit("config.json", [&](json& config) { config[key] = value; });
  }
  // Puts `text`, which need not be JSON, behind a key of config.json.
  void SetText(const std::string& key, const std::string& text) const {
    json config = json::parse(ReadFile(path() / "config.json"));
    config.erase(key);
    const std::string rest = config.dump();
    Write("config.json", "{\"" + key + "\": " + text + "," + rest.substr(1));
  }
  // The header of a file of tensors, and what lies behind it.
  void EditHeader(const std::function<void(json&)>& edit, const std::string& more = "") const {
    const std::string bytes = ReadFile(path() / kTensors);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    json header = json::parse(bytes.substr(sizeof(length), length));
    edit(header);
    Write(kTensors, SafetensorsBytes(header.dump(), bytes.substr(sizeof(length) + length) + more));
  }
  void EditTensor(const std::string& name, const std::string& key, const json& value) const {
    EditHeader([&](json& header) { header.at(name)[key] = value; });
  }
  std::string Error() const { return std::string(Model::Load(path()).status().message()); }

 private:
  const TempFolder folder_;
};

// --- Good folders ---

void AddVocabulary(const BrokenFolder& folder) {
  folder.Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nplay\nsome\njazz\n##y\n");
}

std::unique_ptr<BrokenFolder> Bert() {
  auto folder = std::make_unique<BrokenFolder>("bert_classifier");
  AddVocabulary(*folder);
  return folder;
}

std::unique_ptr<BrokenFolder> BertInShards() {
  return std::make_unique<BrokenFolder>("bert_shards");
}

std::unique_ptr<BrokenFolder> Distilbert() {
  auto folder = std::make_unique<BrokenFolder>("distilbert_classifier");
  AddVocabulary(*folder);
  return folder;
}

std::unique_ptr<BrokenFolder> Roberta() {
  return std::make_unique<BrokenFolder>("roberta_classifier");
}

std::unique_ptr<BrokenFolder> SentenceTransformers() {
  auto folder = std::make_unique<BrokenFolder>("bert_model");
  AddVocabulary(*folder);
  const std::string models = "sentence_transformers.models.";
  folder->WriteJson("modules.json", json{{{"path", ""}, {"type", models + "Transformer"}},
                                         {{"path", "1_Pooling"}, {"type", models + "Pooling"}}});
  folder->WriteJson("1_Pooling/config.json",
                    json{{"word_embedding_dimension", 18}, {"pooling_mode_mean_tokens", true}});
  folder->WriteJson("sentence_bert_config.json", json{{"max_seq_length", 8}});
  return folder;
}

using MakeFolder = std::unique_ptr<BrokenFolder> (*)();

TEST(HostileFolders, AreGoodBeforeTheyAreBroken) {
  for (const MakeFolder make : {Bert, BertInShards, Distilbert, Roberta, SentenceTransformers}) {
    EXPECT_EQ(make()->Error(), "");
  }
}

// --- What is done to them, and what the error says ---

struct Case {
  MakeFolder make;
  std::function<void(const BrokenFolder&)> damage;
  std::string file;
  std::string key;  // and what else it says
};

Case Key(MakeFolder make, const std::string& key, const json& value) {
  return {make, [=](const BrokenFolder& f) { f.Set(key, value); }, "config.json",
          key + ": expected"};
}
Case Text(const std::string& key, const std::string& text, const std::string& message) {
  return {Bert, [=](const BrokenFolder& f) { f.SetText(key, text); }, "config.json", message};
}
Case File(MakeFolder make, const std::string& name, const std::string& bytes,
          const std::string& message) {
  return {make, [=](const BrokenFolder& f) { f.Write(name, bytes); }, name, message};
}
Case Tensor(const std::string& name, const std::string& key, const json& value,
            const std::string& message) {
  return {Bert, [=](const BrokenFolder& f) { f.EditTensor(name, key, value); }, kTensors,
          name + "\": " + message};
}
Case Json(MakeFolder make, const std::string& file, const std::function<void(json&)>& edit,
          const std::string& message) {
  return {make, [=](const BrokenFolder& f) { f.Edit(file, edit); }, file, message};
}

std::vector<Case> Configs() {
  const std::string deep(40, '[');
  return {
      {Bert, [](const BrokenFolder& f) { f.Remove("config.json"); }, "config.json", "No such file"},
      {Bert, [](const BrokenFolder& f) { f.Link("config.json", "config.json"); }, "config.json",
       "symbolic links"},
      {Bert,
       [](const BrokenFolder& f) {
         f.Remove("config.json");
         ASSERT_EQ(mkfifo((f.path() / "config.json").c_str(), 0600), 0);
       },
       "config.json", "not a regular file"},
      File(Bert, "config.json", "", "expected JSON"),
      File(Bert, "config.json", "[]", "expected a JSON object, found []"),
      File(Bert, "config.json", deep, "nesting deeper than"),
      Text("hidden_size", "18, \"hidden_size\": 18", "the key \"hidden_size\" is there twice"),
      Text("hidden_size", "NaN", "expected JSON, found something else at byte 17"),
      Text("hidden_size", "-Infinity", "expected JSON, found something else at byte 18"),
      Text("hidden_size", "1e999", "a number that is out of range"),
      Key(Bert, "hidden_size", "18"),
      Key(Bert, "hidden_size", 18.5),
      Key(Bert, "hidden_size", std::int64_t{1} << 40),
      Key(Bert, "hidden_size", 18446744073709551615U),
      Key(Bert, "vocab_size", 0),
      Key(Bert, "intermediate_size", -28),
      Key(Bert, "num_hidden_layers", 2000),
      Key(Bert, "num_attention_heads", 4),
      Key(Bert, "max_position_embeddings", json::array({12})),
      Key(Bert, "type_vocab_size", -1),
      Key(Bert, "layer_norm_eps", 0),
      Key(Bert, "hidden_act", {{"name", "gelu"}}),
      Key(Bert, "model_type", "mpnet"),
      Key(Bert, "model_type", 7),
      Key(Bert, "auto_map", {{"AutoModel", "modeling_mine.MyModel"}}),
      Key(Bert, "quantization_config", {{"bits", 4}}),
      Key(Bert, "is_decoder", true),
      Key(Bert, "add_cross_attention", 1),
      Key(Bert, "pruned_heads", {{"0", {1}}}),
      Key(Bert, "position_embedding_type", "relative_key"),
      Key(Bert, "architectures", "BertModel"),
      {Bert, [](const BrokenFolder& f) { f.Set("architectures", {"BertForTokenClassification"}); },
       "config.json", "architectures[0]: expected"},
      {Bert,
       [](const BrokenFolder& f) {
         f.Set("id2label", {{"0", "a"}, {"2", "b"}});
       },
       "config.json", "id2label.1: expected a string"},
      Key(Bert, "problem_type", "ranking"),
      Key(Distilbert, "dim", nullptr),
      Key(Distilbert, "n_layers", "2"),
      Key(Distilbert, "n_heads", 5),
      Key(Distilbert, "activation", "mish"),
      Key(Distilbert, "sinusoidal_pos_embds", "yes"),
      Key(Roberta, "pad_token_id", -1),
      Key(Roberta, "max_position_embeddings", 2),
      Key(Roberta, "position_embedding_type", "rotary"),
      {Roberta, [](const BrokenFolder& f) { f.Set("architectures", {"XLMRobertaModel"}); },
       "config.json", "architectures[0]: expected \"RobertaModel\""},
  };
}

std::vector<Case> TensorFilesCases() {
  const std::string bias = "bert.embeddings.LayerNorm.bias";
  return {
      {Bert, [](const BrokenFolder& f) { f.Remove(kTensors); }, kTensors, "No such file"},
      {Bert, [](const BrokenFolder& f) { f.Link(kTensors, kTensors); }, kTensors, "symbolic links"},
      {Bert,
       [](const BrokenFolder& f) {
         f.Remove(kTensors);
         f.Write("pytorch_model.bin", "PK");
       },
       kTensors, "pytorch_model.bin, which must be converted"},
      File(Bert, kTensors, "12345", "expected a header length of 8 bytes, found 5"),
      File(Bert, kTensors, std::string(7, '\0') + "\x10", "more than the allowed"),
      File(Bert, kTensors, std::string("\x40\0\0\0\0\0\0\0{}", 10),
           "expected a header of 64 bytes"),
      File(Bert, kTensors, SafetensorsBytes("{]", ""), "header: expected JSON"),
      File(Bert, kTensors, SafetensorsBytes("[]", ""), "header: expected a JSON object"),
      File(Bert, kTensors, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
           "a Git LFS pointer"),
      {Bert,
       [](const BrokenFolder& f) {
         const std::string bytes = ReadFile(f.path() / kTensors);
         f.Write(kTensors, std::string_view(bytes).substr(0, bytes.size() - 4));
       },
       kTensors, "are out of bounds"},
      {Bert, [](const BrokenFolder& f) { f.EditHeader([](json&) {}, "more"); }, kTensors,
       "there is a hole at the end"},
      Tensor(bias, "shape", {19}, "F32 [19] takes 76 bytes"),
      Tensor(bias, "shape", {-18}, "shape: expected integers from 0 to 2^63 - 1, found -18"),
      Tensor(bias, "shape", "18", "shape: expected an array"),
      Tensor(bias, "shape", {std::int64_t{1} << 40, std::int64_t{1} << 40}, "shape [1099511627776"),
      Tensor(bias, "shape", {3, 6}, "expected shape [18], found [3, 6]"),
      Tensor(bias, "dtype", "F8", "unknown dtype \"F8\""),
      Tensor(bias, "dtype", "I32", "expected dtype F32, F16 or BF16, found I32"),
      Tensor(bias, "data_offsets", {0, 72, 144}, "data_offsets: expected two integers"),
      Tensor(bias, "data_offsets", {72, 0}, "data_offsets [72,0] end before they begin"),
      {Bert,
       [=](const BrokenFolder& f) {
         f.EditHeader([&](json& header) { header["other"] = header[bias]; });
       },
       kTensors, "overlaps another tensor's bytes"},
      {Bert, [](const BrokenFolder& f) { f.EditHeader([](json& h) { h["more"] = 1; }); }, kTensors,
       "tensor \"more\": expected an object"},
      {Bert,
       [=](const BrokenFolder& f) {
         f.EditHeader([&](json& header) {
           header["bert.encoder.layer.9.bias"] = header[bias];
           header.erase(bias);
         });
       },
       kTensors, "tensor \"embeddings.LayerNorm.bias\": missing"},
      {Bert,
       [](const BrokenFolder& f) {
         std::string bytes = ReadFile(f.path() / kTensors);
         const float nan = std::numeric_limits<float>::quiet_NaN();
         std::memcpy(bytes.data() + bytes.size() - sizeof(nan), &nan, sizeof(nan));
         f.Write(kTensors, bytes);
       },
       kTensors, "expected finite numbers"},
      {Bert, [](const BrokenFolder& f) { f.Set("num_hidden_layers", 12); }, kTensors,
       "tensor \"encoder.layer.2.attention.self.query.weight\": missing"},
      {Bert, [](const BrokenFolder& f) { f.Set("num_hidden_layers", 1); }, kTensors,
       "is unexpected: config.json calls for none"},
      {Bert, [](const BrokenFolder& f) { f.Set("vocab_size", 38); }, kTensors,
       std::string(kWord) + "\": expected shape [38, 18], found [37, 18]"},
      {Distilbert, [](const BrokenFolder& f) { f.Set("hidden_dim", 27); }, kTensors,
       "ffn.lin1.weight\": expected shape [27, 18], found [28, 18]"},
      {Roberta, [](const BrokenFolder& f) { f.Set("type_vocab_size", 0); }, kTensors,
       "roberta.embeddings.token_type_embeddings.weight\" [1, 18] is unexpected"},
      {BertInShards,
       [](const BrokenFolder& f) {
         f.Edit(kIndex, [](json& index) {
           for (json& place : index["weight_map"]) place = "model-00009-of-00009.safetensors";
         });
       },
       "model-00009-of-00009.safetensors", "missing, but model.safetensors.index.json names it"},
      Json(
          BertInShards, kIndex, [](json& i) { i["weight_map"].begin().value() = "../b"; },
          "expected the name of a file in the folder, found \"../b\""),
      Json(
          BertInShards, kIndex, [](json& i) { i["weight_map"] = json::array(); },
          "weight_map: expected an object"),
      {BertInShards,
       [](const BrokenFolder& f) {
         f.Edit(kIndex, [](json& index) { index["weight_map"].erase("pooler.dense.bias"); });
       },
       ".safetensors", "tensor \"pooler.dense.bias\": expected in no file"},
      Json(
          BertInShards, kIndex,
          [](json& i) { i["weight_map"]["no.such"] = i["weight_map"]["pooler.dense.bias"]; }, ""),
  };
}

std::vector<Case> OtherFiles() {
  const auto modules = [](const std::string& type, const std::string& message) {
    return Json(
        SentenceTransformers, "modules.json", [=](json& m) { m[1]["type"] = type; }, message);
  };
  const auto pooling = [](const std::string& key, const json& value, const std::string& message) {
    return Json(
        SentenceTransformers, "1_Pooling/config.json", [=](json& p) { p[key] = value; }, message);
  };
  const auto length = [](const json& value) {
    return File(SentenceTransformers, "sentence_bert_config.json",
                json{{"max_seq_length", value}}.dump(), "max_seq_length: expected an integer from");
  };
  const std::string good = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nplay\n";
  std::string many = good;
  for (int i = 0; i < 40; ++i) many += "piece" + std::to_string(i) + "\n";
  return {
      {Bert,
       [](const BrokenFolder& f) {
         f.Remove("vocab.txt");
         f.Write("tokenizer_config.json", "{}");
       },
       "tokenizer_config.json", "expected tokenizer.json or vocab.txt beside it"},
      {Bert, [](const BrokenFolder& f) { f.Link("vocab.txt", "vocab.txt"); }, "vocab.txt",
       "symbolic links"},
      {Bert, [](const BrokenFolder& f) { f.Link("vocab.txt", "../blobs/0f"); }, "vocab.txt",
       "No such file"},
      File(Bert, "vocab.txt", "", "the vocabulary is empty"),
      File(Bert, "vocab.txt", good + "play\n", "are the same piece, \"play\""),
      File(Bert, "vocab.txt", good + "\nsome\n", "line 6 of the vocabulary is empty"),
      File(Bert, "vocab.txt", good + "\xff\n", "the vocabulary is not UTF-8"),
      File(Bert, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\nplay\n", "[SEP]"),
      File(Bert, "vocab.txt", many, "expected at most vocab_size = 37 pieces"),
      File(Bert, "tokenizer_config.json", R"({"do_lower_case": "yes"})", "do_lower_case: expected"),
      File(Bert, "tokenizer_config.json", R"({"never_split": ["play"]})", "never_split: expected"),
      File(Bert, "tokenizer_config.json", "[]", "expected a JSON object"),
      File(Distilbert, "tokenizer.json", "{", "expected JSON"),
      File(Distilbert, "tokenizer.json", "[]", "expected an object, found []"),
      File(Roberta, "merges.txt", "", "expected tokenizer.json beside it"),
      File(Roberta, "sentencepiece.bpe.model", "", "expected tokenizer.json beside it"),
      File(SentenceTransformers, "modules.json", "[]", "modules: expected an array"),
      File(SentenceTransformers, "modules.json", "{}", "modules: expected an array"),
      modules("sentence_transformers.models.LSTM", "modules[1].type: expected"),
      modules("modeling_mine.MyPooling", "modules[1].type: expected"),
      Json(
          SentenceTransformers, "modules.json", [](json& m) { m[1]["path"] = ".."; },
          "modules[1].path: expected the name of a folder"),
      Json(
          SentenceTransformers, "modules.json", [](json& m) { m[0]["path"] = "0_Transformer"; },
          "modules[0].path: expected"),
      Json(
          SentenceTransformers, "modules.json", [](json& m) { m.push_back("Normalize"); },
          "modules[2]: expected an object"),
      {SentenceTransformers, [](const BrokenFolder& f) { f.Remove("1_Pooling/config.json"); },
       "1_Pooling/config.json", "missing, but modules.json names it"},
      pooling("pooling_mode_mean_tokens", false, "expected a pooling_mode that is true"),
      pooling("pooling_mode_lasttoken", true, "expected one kind of pooling alone"),
      pooling("pooling_mode_cls_token", 1, "pooling_mode_cls_token: expected true or false"),
      pooling("word_embedding_dimension", 384, "word_embedding_dimension: expected hidden_size"),
      length(-1),
      length(513),
      length(8.5),
      length("8"),
      File(SentenceTransformers, "config_sentence_transformers.json",
           R"({"default_prompt_name": "query"})",
           "default_prompt_name: expected the name of a prompt"),
  };
}

TEST(HostileFolders, EachIsRefusedInWordsOfItsOwn) {
  std::map<std::string, std::size_t> seen;
  std::size_t number = 0;
  for (const auto& cases : {Configs(), TensorFilesCases(), OtherFiles()}) {
    for (const Case& hostile : cases) {
      SCOPED_TRACE(hostile.file + " " + hostile.key);
      const auto folder = hostile.make();
      hostile.damage(*folder);
      std::string error = folder->Error();
      const std::string path = folder->path().string();
      for (std::size_t at = error.find(path); at != std::string::npos; at = error.find(path)) {
        error.replace(at, path.size(), "F");
      }
      EXPECT_THAT(error, testing::StartsWith("F/"));
      EXPECT_THAT(error, HasSubstr(hostile.file));
      EXPECT_THAT(error, HasSubstr(hostile.key));
      const auto [same, is_new] = seen.emplace(error, number++);
      EXPECT_TRUE(is_new) << "as number " << same->second << ": " << error;
    }
  }
  EXPECT_GE(number, 50U);
}

}  // namespace
}  // namespace synth
