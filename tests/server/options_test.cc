#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_split.h"
#include "synth/precision.h"
#include "tests/paths.h"
#include "tests/support/files.h"

namespace synth::server {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct OptionRow {
  std::string variable;
  std::string standard;  // its default
};

class OptionsTest : public testing::Test {
 protected:
  ~OptionsTest() override {
    for (const std::string& name : set_) unsetenv(name.c_str());
  }

  void SetEnvironment(const std::string& name, const std::string& value) {
    setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

  static std::variant<Options, ExitCode> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "synthserve");
    std::vector<const char*> pointers;
    pointers.reserve(arguments.size());
    for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
    return ParseOptions(static_cast<int>(pointers.size()), pointers.data());
  }

  // What is printed about a --config file that is refused, with the file called FILE.
  static std::string OutputOfFile(const std::string& text) {
    const std::string file = ScratchFile("options.toml");
    std::ofstream(file, std::ios::binary) << text;
    std::string output = Output({"--model", "a", "--config", file}, 2);
    const std::size_t at = output.find(file);
    EXPECT_NE(at, std::string::npos) << output;
    return at == std::string::npos ? output : output.replace(at, file.size(), "FILE");
  }

  // What is printed while a command line is refused or answered.
  static std::string Output(const std::vector<std::string>& arguments, int exit_code) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const auto parsed = Parse(arguments);
    std::string output =
        testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
    EXPECT_TRUE(std::holds_alternative<ExitCode>(parsed)) << output;
    if (const auto* exit = std::get_if<ExitCode>(&parsed)) {
      EXPECT_EQ(exit->code, exit_code) << output;
    }
    return output;
  }

  // The options of --help: by flag, its variable and its default; "" if it has none.
  static std::map<std::string, OptionRow> OptionsOfHelp() {
    static const std::regex kOption(
        R"(^  (--[a-z-]+) ((?:[^=\n]|\[[^\]\n]*\])+?)(?:=(\S*))? \(Env:(\w+)\)$)",
        std::regex::ECMAScript | std::regex::multiline);
    std::map<std::string, OptionRow> options;
    const std::string help = Output({"--help"}, 0);
    for (std::sregex_iterator match(help.begin(), help.end(), kOption), end; match != end; ++match)
      options[(*match)[1]] = {.variable = (*match)[4], .standard = (*match)[3]};
    return options;
  }

  // The rows of a page's tables whose first column is a flag, each as its columns, without `.
  static std::vector<std::vector<std::string>> RowsOf(const std::string& page) {
    std::ifstream file(paths::SourcePath(page));
    EXPECT_TRUE(file.is_open()) << page;
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(file, line);) {
      if (!line.starts_with("| `--")) continue;
      std::erase(line, '`');
      const std::string columns = line.substr(2);
      const std::vector<std::string> row = absl::StrSplit(columns, " | ");
      rows.push_back(row);
    }
    return rows;
  }

  std::vector<std::string> set_;
};

TEST_F(OptionsTest, ListensOnLoopbackUnlessToldOtherwise) {
  const auto parsed = Parse({"--model", "models/a/"});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  const auto& options = std::get<Options>(parsed);
  EXPECT_EQ(options.listen, "127.0.0.1:50051");
  EXPECT_EQ(options.metrics_listen, "127.0.0.1:9464");
  ASSERT_EQ(options.models.size(), 1U);
  EXPECT_EQ(options.models[0].name, "a") << "the folder's last component";
  EXPECT_EQ(options.models[0].folder, "models/a/");
}

TEST_F(OptionsTest, ModelsHaveNames) {
  const auto parsed = Parse({"--model", "x=models/a", "--model", "y=/b"});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  const auto& options = std::get<Options>(parsed);
  ASSERT_EQ(options.models.size(), 2U);
  EXPECT_EQ(options.models[0].name, "x");
  EXPECT_EQ(options.models[1].folder, "/b");
  EXPECT_THAT(Output({"--model", "x=a", "--model", "x=b"}, 2), HasSubstr("'x' is given twice"));
  EXPECT_THAT(Output({"--model", "=a"}, 2), HasSubstr("NAME=FOLDER"));
}

TEST_F(OptionsTest, ReadsDurations) {
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, milliseconds>>{{"250ms", milliseconds(250)},
                                                         {"1.5s", milliseconds(1500)},
                                                         {"2m", milliseconds(120'000)},
                                                         {"3", milliseconds(3000)}}) {
    const auto parsed = Parse({"--model", "a", "--drain-timeout", text});
    ASSERT_TRUE(std::holds_alternative<Options>(parsed)) << text;
    EXPECT_EQ(std::get<Options>(parsed).drain_timeout, expected) << text;
  }
  for (const char* wrong : {"soon", "-1s", "5h", "", "1e300s", "nan"}) {
    EXPECT_THAT(Output({"--model", "a", "--drain-timeout", wrong}, 2), HasSubstr("--drain-timeout"))
        << wrong;
  }
}

TEST_F(OptionsTest, PrecisionIsF32UnlessToldOtherwise) {
  const auto precision = [](const std::vector<std::string>& arguments) {
    const auto parsed = Parse(arguments);
    const auto* options = std::get_if<Options>(&parsed);
    return options == nullptr ? std::nullopt : std::optional(options->precision);
  };
  EXPECT_EQ(precision({"--model", "a"}), Precision::kF32);
  EXPECT_EQ(precision({"--model", "a", "--precision", "bf16"}), Precision::kBf16);
  EXPECT_EQ(precision({"--model", "a", "--precision", "auto"}), *ParsePrecision("auto"));
  SetEnvironment("SYNTHSERVE_PRECISION", "int8");
  EXPECT_EQ(precision({"--model", "a"}), Precision::kInt8);
  EXPECT_EQ(precision({"--model", "a", "--precision=f32"}), Precision::kF32);
}

TEST_F(OptionsTest, AModelMayNameItsOwnPrecision) {
  const auto parsed = Parse({"--precision", "bf16", "--model", "x=a,precision=int8", "--model",
                             "models/b/,precision=f32", "--model", "c,d", "--model", "e=f,g"});
  const auto* options = std::get_if<Options>(&parsed);
  ASSERT_NE(options, nullptr);
  ASSERT_EQ(options->models.size(), 4U);
  EXPECT_EQ(options->models[0].name, "x");
  EXPECT_EQ(options->models[0].folder, "a");
  EXPECT_EQ(options->models[0].precision, Precision::kInt8);
  EXPECT_EQ(options->models[1].name, "b");
  EXPECT_EQ(options->models[1].folder, "models/b/");
  EXPECT_EQ(options->models[1].precision, Precision::kF32);
  EXPECT_EQ(options->models[2].folder, "c,d") << "a comma alone belongs to the folder";
  EXPECT_EQ(options->models[2].precision, std::nullopt);
  EXPECT_EQ(options->models[3].folder, "f,g");
  EXPECT_THAT(Output({"--model", "x=a,precision=fp8"}, 2),
              HasSubstr("--model: precision=fp8: expected f32"));
  EXPECT_THAT(Output({"--model", "x=a,lanes=2"}, 2),
              HasSubstr("--model: expected precision=NAME behind the last comma, found 'lanes=2'"));
  EXPECT_THAT(Output({"--model", ",precision=int8"}, 2), HasSubstr("both not empty"));
}

TEST_F(OptionsTest, AFlagBeatsTheEnvironmentWhichBeatsTheFile) {
  const std::string file = ScratchFile("options.toml");
  std::ofstream(file) << "model = [\"from=file\"]\nlanes = 1\nmax-texts = 11\nmax-batch-tokens = "
                         "12\nprecision = \"int8\"\n";
  SetEnvironment("SYNTHSERVE_LANES", "2");
  SetEnvironment("SYNTHSERVE_MAX_TEXTS", "22");
  const auto parsed = Parse({"--config", file, "--lanes", "3"});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  const auto& options = std::get<Options>(parsed);
  EXPECT_EQ(options.lanes, 3);
  EXPECT_EQ(options.max_texts, 22);
  EXPECT_EQ(options.max_batch_tokens, 12);
  EXPECT_EQ(options.precision, Precision::kInt8);
  EXPECT_EQ(options.models[0].name, "from");
}

TEST_F(OptionsTest, TheFileMayStandInTheEnvironmentAndHaveAByteOrderMark) {
  const std::string file = ScratchFile("options.toml");
  std::ofstream(file) << "\xEF\xBB\xBFlisten = \"[::1]:7\"\r\nmodel = [\"x=a\", \"y=b\"]\r\n"
                      << "metrics-listen = \"\"\r\ndrain-timeout = 2m\r\n";
  SetEnvironment("SYNTHSERVE_CONFIG", file);
  const auto parsed = Parse({});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  const auto& options = std::get<Options>(parsed);
  EXPECT_EQ(options.listen, "[::1]:7");
  EXPECT_EQ(options.metrics_listen, "");
  EXPECT_EQ(options.drain_timeout, milliseconds(120'000));
  ASSERT_EQ(options.models.size(), 2U);
  EXPECT_EQ(options.models[1].name, "y");
}

TEST_F(OptionsTest, NamesTheLineOfTheFileThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"lanes = 2\nmax_texts = 5\n",
       "FILE:2: max_texts: expected the name of an option, found "
       "another word; it is called max-texts"},
      {"--lanes = 2",
       "FILE:1: --lanes: expected the name of an option, found another word; it is "
       "called lanes"},
      {"\nmax-text = 5",
       "FILE:2: max-text: expected the name of an option, found another word; "
       "synthserve --help lists them"},
      {"config = b.toml", "FILE:1: config: expected the name of an option"},
      {"help = true", "FILE:1: help: expected the name of an option"},
      {"version = 1", "FILE:1: version: expected the name of an option"},
      {"[default]\nlanes = 2", "FILE:1: expected key = value, found '[default]'"},
      {"lanes = 1\nlanes = 2", "FILE:2: lanes: is set a second time, after line 1"},
      {"lanes = [1, 2]", "FILE:1: lanes: expected one value, found a list of 2"},
      {"lanes = [1]", "FILE:1: lanes: expected one value, found a list of 1"},
      {"model = []", "FILE:1: model: expected a list of one or more values, found a list of 0"},
      {"\nlanes = many", "FILE:2: --lanes: "},
      {"lanes = 5000", "FILE:1: --lanes: Value 5000 not in range"},
      {"drain-timeout = soon", "FILE:1: --drain-timeout: expected a duration such as 250ms"},
      {"precision = fp8", "FILE:1: --precision: expected f32, bf16, int8 or auto"},
      {"log-format = xml", "FILE:1: --log-format: "},
      {"lanes = \xFF", "FILE:1: expected UTF-8"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(OutputOfFile(text), HasSubstr(message)) << text;
  }
  // Also what a flag replaces has to be right.
  EXPECT_THAT(OutputOfFile("model = [\"b\", \"c\"]\nlanes = x\n"), HasSubstr("FILE:2: --lanes"));
}

TEST_F(OptionsTest, NamesTheVariableThatIsWrong) {
  SetEnvironment("SYNTHSERVE_LANES", "many");
  EXPECT_THAT(Output({"--model", "a"}, 2), HasSubstr("SYNTHSERVE_LANES: --lanes"));
  EXPECT_TRUE(std::holds_alternative<Options>(Parse({"--model", "a", "--lanes", "1"})))
      << "a flag replaces it";
}

TEST_F(OptionsTest, ModelNamesCanBeReadByEverybody) {
  EXPECT_THAT(Output({"--model", "x\xFF=a"}, 2),
              HasSubstr("--model: the name 'x\\xff' is not UTF-8: byte 0xFF at offset 1"));
  EXPECT_THAT(Output({"--model", "models/x\xFF"}, 2), HasSubstr("NAME=FOLDER gives it another"));
  EXPECT_TRUE(std::holds_alternative<Options>(Parse({"--model", "x=models/x\xFF"})))
      << "a folder may be called anything";
  EXPECT_THAT(Output({"--model", std::string(200, 'x') + "=a"}, 2), HasSubstr("200 bytes"));
}

TEST_F(OptionsTest, SeveralModelsComeFromTheEnvironment) {
  SetEnvironment("SYNTHSERVE_MODEL", "x=a;y=b");
  auto parsed = Parse({});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  EXPECT_EQ(std::get<Options>(parsed).models.at(1).name, "y");
  parsed = Parse({"--model=z=c"});
  ASSERT_TRUE(std::holds_alternative<Options>(parsed));
  EXPECT_EQ(std::get<Options>(parsed).models.size(), 1U) << "the flag replaces them";
}

TEST_F(OptionsTest, NamesWhatIsWrong) {
  EXPECT_THAT(Output({}, 2), HasSubstr("--model is required"));
  EXPECT_THAT(Output({"--model", "a", "--lanes", "-1"}, 2), HasSubstr("--lanes"));
  EXPECT_THAT(Output({"--model", "a", "--max-texts", "many"}, 2), HasSubstr("--max-texts"));
  EXPECT_THAT(Output({"--model", "a", "--log-format", "xml"}, 2), HasSubstr("--log-format"));
  EXPECT_THAT(Output({"--model", "a", "--precision", "fp8"}, 2),
              HasSubstr(R"(--precision: expected f32, bf16, int8 or auto, found "fp8")"));
  EXPECT_THAT(Output({"--model", "a", "--config", "/nonexistent.toml"}, 2),
              HasSubstr("/nonexistent.toml"));
  EXPECT_THAT(Output({"--model", "a", "--nonsense"}, 2), HasSubstr("--nonsense"));
}

TEST_F(OptionsTest, HelpTeaches) {
  const std::string help = Output({"--help"}, 0);
  for (const char* part :
       {"synthserve --model", "--listen", "SYNTHSERVE_LISTEN", "127.0.0.1:50051", "Exit codes"}) {
    EXPECT_THAT(help, HasSubstr(part));
  }
  EXPECT_THAT(Output({"--version"}, 0), HasSubstr("0."));
}

TEST_F(OptionsTest, ThePagesHaveTheDefaultsOfTheProgram) {
  std::map<std::string, OptionRow> options = OptionsOfHelp();
  ASSERT_EQ(options["--max-texts"].standard, "1024");
  options.at("--config").standard = "none";
  options.at("--model").standard = "required";
  const auto rows = RowsOf("docs/configuration.md");
  EXPECT_EQ(rows.size(), options.size());
  for (const std::vector<std::string>& row : rows) {
    ASSERT_GE(row.size(), 4U) << row[0];
    ASSERT_TRUE(options.contains(row[0])) << row[0];
    EXPECT_EQ(row[1], options[row[0]].variable) << row[0];
    EXPECT_EQ(row[2], options[row[0]].standard) << row[0];
  }
  const auto short_rows = RowsOf("README.md");
  EXPECT_FALSE(short_rows.empty());
  for (const std::vector<std::string>& row : short_rows) {
    ASSERT_GE(row.size(), 3U) << row[0];
    ASSERT_TRUE(options.contains(row[0])) << row[0];
    EXPECT_EQ(row[1], options[row[0]].standard) << row[0] << " of README.md";
  }
}

}  // namespace
}  // namespace synth::server
