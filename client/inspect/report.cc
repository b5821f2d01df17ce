#include "client/inspect/report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/inspect/cost.h"
#include "synth/config.h"

namespace synth::inspect {
namespace {

using nlohmann::ordered_json;

constexpr int kLabelsShown = 8;  // of those in the text for people

// What the last row of the table sums up.
struct Totals {
  std::int64_t parameters_in_file = 0;
  std::int64_t parameters = 0;
  Cost cost;
  std::size_t attention_bytes = 0;
};

Totals Sum(const std::vector<LayerRow>& layers) {
  Totals totals;
  for (const LayerRow& layer : layers) {
    totals.parameters_in_file += layer.parameters_in_file;
    totals.parameters += layer.parameters.count;
    totals.cost.value_output += layer.cost.value_output;
    totals.cost.scores += layer.cost.scores;
    totals.cost.mix += layer.cost.mix;
    totals.cost.feed_forward += layer.cost.feed_forward;
    totals.attention_bytes += layer.attention_bytes;
  }
  return totals;
}

std::vector<std::string> PartNames(const AttentionSpec& spec) {
  std::vector<std::string> names;
  const auto* const mixture = std::get_if<MixtureSpec>(&spec);
  if (mixture == nullptr) return names;
  for (const SourceSpec& part : mixture->parts) {
    names.push_back(
        std::visit([](const auto& source) { return SourceName(AttentionSpec(source)); }, part));
  }
  return names;
}

// --- For machines ---

// The number whose shortest form is that of the float, not of the double that is equal to it.
double AsShortest(float value) {
  constexpr std::size_t kLongestFloat = 32;
  std::array<char, kLongestFloat> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  double number = 0;
  std::from_chars(buffer.data(), end, number);
  return number;
}

ordered_json CostJson(const Cost& cost) {
  return {{"value_output", cost.value_output},
          {"scores", cost.scores},
          {"mix", cost.mix},
          {"feed_forward", cost.feed_forward},
          {"total", cost.total()}};
}

ordered_json LayerJson(std::size_t index, const LayerRow& layer) {
  ordered_json json = {{"layer", index},
                       {"source", SourceName(layer.spec)},
                       {"depends_on_input", DependsOnInput(layer.spec)},
                       {"score_parameters",
                        {{"file", layer.parameters_in_file},
                         {"formula", layer.parameters.formula},
                         {"by_formula", layer.parameters.count}}},
                       {"multiply_adds_per_token", CostJson(layer.cost)},
                       {"attention_bytes", layer.attention_bytes}};
  if (layer.alpha.empty()) return json;
  json["parts"] = PartNames(layer.spec);
  json["alpha"] = ordered_json::array();
  for (const std::vector<float>& head : layer.alpha) {
    ordered_json shares = ordered_json::array();
    for (const float share : head) shares.push_back(AsShortest(share));
    json["alpha"].push_back(std::move(shares));
  }
  return json;
}

ordered_json TokenizerJson(const std::optional<TokenizerConfig>& tokenizer) {
  if (!tokenizer) return nullptr;
  ordered_json json = {{"type", ToString(tokenizer->type)}, {"file", tokenizer->file}};
  if (tokenizer->cls_token) json["cls_token"] = *tokenizer->cls_token;
  if (tokenizer->sep_token) json["sep_token"] = *tokenizer->sep_token;
  return json;
}

// --- For people ---

std::string LabelsLine(const ModelConfig& config) {
  if (!config.classifier) return "none: the model has no classifier";
  const std::vector<std::string>& labels = config.classifier->labels;
  const auto shown = std::min<std::size_t>(labels.size(), kLabelsShown);
  return absl::StrCat(
      labels.size(), ": ",
      absl::StrJoin(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < labels.size() ? ", ... (--output json has all)" : "");
}

std::string TokenizerLine(const std::optional<TokenizerConfig>& tokenizer) {
  if (!tokenizer) return "none";
  std::string line = absl::StrCat(tokenizer->file, tokenizer->type == TokenizerType::kSentencePiece
                                                       ? ", a SentencePiece model"
                                                       : ", WordPiece");
  if (tokenizer->cls_token) absl::StrAppend(&line, "; before a text ", *tokenizer->cls_token);
  if (tokenizer->sep_token) absl::StrAppend(&line, "; behind it ", *tokenizer->sep_token);
  return line;
}

std::string HeadText(const Inspection& inspection) {
  const ModelConfig& config = inspection.config;
  const ModelInfo& info = inspection.info;
  std::string dtypes;
  for (const auto& [dtype, count] : inspection.facts.parameters_by_dtype) {
    absl::StrAppend(&dtypes, dtypes.empty() ? "" : ", ", count, " in ", dtype);
  }
  std::string text;
  absl::StrAppendFormat(&text, "digest      %s\n", info.digest);
  absl::StrAppendFormat(
      &text,
      "sizes       V %d vocabulary, D %d hidden, H %d heads, N %d layers, F %d intermediate, "
      "L %d positions\n",
      config.vocab_size, config.hidden_size, config.num_attention_heads, config.num_hidden_layers,
      config.intermediate_size, config.max_position_embeddings);
  absl::StrAppendFormat(&text, "parameters  %d: %d in embeddings, %d in attention scores; %s\n",
                        info.parameters, info.embedding_parameters, info.score_parameters, dtypes);
  absl::StrAppendFormat(&text, "tokenizer   %s\n", TokenizerLine(config.tokenizer));
  absl::StrAppendFormat(&text, "labels      %s\n", LabelsLine(config));
  return text;
}

// One row of the table; the column of names is `width` wide.
void AppendRow(std::string& text, const std::string& layer, const std::string& name,
               std::size_t width, const std::vector<std::string>& numbers) {
  absl::StrAppendFormat(&text, "%-5s  %-*s", layer, static_cast<int>(width), name);
  for (const std::string& number : numbers) absl::StrAppendFormat(&text, "  %12s", number);
  text += '\n';
}

std::vector<std::string> Numbers(std::int64_t in_file, std::int64_t by_formula, const Cost& cost,
                                 std::size_t bytes) {
  return {absl::StrCat(in_file),      absl::StrCat(by_formula), absl::StrCat(cost.value_output),
          absl::StrCat(cost.scores),  absl::StrCat(cost.mix),   absl::StrCat(cost.feed_forward),
          absl::StrCat(cost.total()), absl::StrCat(bytes)};
}

std::string TableText(const std::vector<LayerRow>& layers) {
  const std::string kHead = "score source";
  std::size_t width = kHead.size();
  for (const LayerRow& layer : layers) width = std::max(width, SourceName(layer.spec).size());
  std::string text;
  AppendRow(text, "layer", kHead, width,
            {"params", "by formula", "value+output", "scores", "mix", "feed-forward", "total",
             "attention B"});
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerRow& layer = layers[i];
    AppendRow(text, absl::StrCat(i), SourceName(layer.spec), width,
              Numbers(layer.parameters_in_file, layer.parameters.count, layer.cost,
                      layer.attention_bytes));
  }
  const Totals totals = Sum(layers);
  AppendRow(
      text, "all", "", width,
      Numbers(totals.parameters_in_file, totals.parameters, totals.cost, totals.attention_bytes));
  return text;
}

// The formula of each source that occurs, once.
std::string FormulasText(const std::vector<LayerRow>& layers) {
  std::vector<std::string> lines;
  for (const LayerRow& layer : layers) {
    std::string line =
        absl::StrCat("  ", SourceName(layer.spec), ": ", layer.parameters.formula, "\n");
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  }
  return absl::StrCat("\nscore parameters by formula\n", absl::StrJoin(lines, ""));
}

std::string AlphaText(const std::vector<LayerRow>& layers) {
  std::string text;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::vector<std::string> names = PartNames(layers[i].spec);
    for (std::size_t m = 0; m < names.size(); ++m) {
      absl::StrAppendFormat(&text, "  layer %d, %s:", i, names[m]);
      for (const std::vector<float>& head : layers[i].alpha) {
        absl::StrAppendFormat(&text, " %.3f", head[m]);
      }
      text += '\n';
    }
  }
  return text.empty() ? text : "\nalpha, by head\n" + text;
}

}  // namespace

std::string ReportText(const Inspection& inspection) {
  return absl::StrCat(
      HeadText(inspection), "\nA text of ", inspection.tokens,
      " tokens: multiply-adds for each token, and the bytes of attention computed beforehand.\n",
      TableText(inspection.layers), FormulasText(inspection.layers), AlphaText(inspection.layers));
}

ordered_json ReportJson(const Inspection& inspection) {
  const ModelConfig& config = inspection.config;
  const ModelInfo& info = inspection.info;
  ordered_json layers = ordered_json::array();
  for (std::size_t i = 0; i < inspection.layers.size(); ++i) {
    layers.push_back(LayerJson(i, inspection.layers[i]));
  }
  const Totals totals = Sum(inspection.layers);
  return {{"digest", info.digest},
          {"sizes",
           {{"vocab_size", config.vocab_size},
            {"hidden_size", config.hidden_size},
            {"num_attention_heads", config.num_attention_heads},
            {"num_hidden_layers", config.num_hidden_layers},
            {"intermediate_size", config.intermediate_size},
            {"max_position_embeddings", config.max_position_embeddings}}},
          {"parameters",
           {{"total", info.parameters},
            {"embeddings", info.embedding_parameters},
            {"scores", info.score_parameters},
            {"by_dtype", inspection.facts.parameters_by_dtype}}},
          {"tokenizer", TokenizerJson(config.tokenizer)},
          {"labels", config.classifier ? config.classifier->labels : std::vector<std::string>()},
          {"tokens", inspection.tokens},
          {"layers", std::move(layers)},
          {"totals",
           {{"score_parameters",
             {{"file", totals.parameters_in_file}, {"by_formula", totals.parameters}}},
            {"multiply_adds_per_token", CostJson(totals.cost)},
            {"attention_bytes", totals.attention_bytes}}}};
}

}  // namespace synth::inspect
