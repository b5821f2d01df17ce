// Runs a WordPiece tokenizer over texts of a file, for compare_wordpiece.py.
//   wordpiece_tool ids TOKENIZER TEXTS    prints the ids of each text on a line
//   wordpiece_tool speed TOKENIZER TEXTS  prints seconds, bytes per second and tokens
// TOKENIZER is a tokenizer.json, or a vocab.txt for an uncased model. TEXTS holds texts, each
// behind its size in bytes (32 bits, little endian).
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/text/tokenizer_json.h"
#include "model/text/wordpiece_tokenizer.h"
#include "synth/tokenizer.h"

namespace synth {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string_view> Split(std::string_view file) {
  std::vector<std::string_view> texts;
  while (!file.empty()) {
    std::uint32_t size = 0;
    if (file.size() < sizeof size) throw std::runtime_error("the texts end in a size");
    std::memcpy(&size, file.data(), sizeof size);
    file.remove_prefix(sizeof size);
    if (file.size() < size) throw std::runtime_error("the texts end in a text");
    texts.push_back(file.substr(0, size));
    file.remove_prefix(size);
  }
  return texts;
}

void PrintIds(const Tokenizer& tokenizer, const std::vector<std::string_view>& texts) {
  std::string line;
  for (const std::string_view text : texts) {
    const auto ids = tokenizer.Encode(text);
    line.clear();
    if (ids.ok()) {
      for (const std::int32_t id : *ids) {
        if (!line.empty()) line += ' ';
        line += std::to_string(id);
      }
    } else {
      line = ids.status().ToString();
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
}

void PrintSpeed(const Tokenizer& tokenizer, const std::vector<std::string_view>& texts) {
  std::size_t bytes = 0;
  std::size_t tokens = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string_view text : texts) {
    bytes += text.size();
    const auto ids = tokenizer.Encode(text);
    if (!ids.ok()) throw std::runtime_error(ids.status().ToString());
    tokens += ids->size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.6f %.0f %zu\n", took.count(), static_cast<double>(bytes) / took.count(), tokens);
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) throw std::runtime_error("expected ids|speed TOKENIZER TEXTS");
  const std::string file = ReadFile(arguments[1]);
  const auto tokenizer = file.starts_with("{") ? LoadTokenizerJson(file) : LoadWordPiece({}, file);
  if (!tokenizer.ok()) throw std::runtime_error(tokenizer.status().ToString());
  const std::string bytes = ReadFile(arguments[2]);
  const std::vector<std::string_view> texts = Split(bytes);
  if (arguments[0] == "ids") {
    PrintIds(**tokenizer, texts);
  } else if (arguments[0] == "speed") {
    PrintSpeed(**tokenizer, texts);
  } else {
    throw std::runtime_error("expected ids or speed");
  }
  return 0;
}

}  // namespace
}  // namespace synth

int main(int argc, char** argv) {
  try {
    return synth::Main({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
