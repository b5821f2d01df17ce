#include "server/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/files.h"

namespace synth::server {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<ConfigEntry> Parse(const std::string& text) {
  auto entries = ParseConfigFile(text, "file");
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? *std::move(entries) : std::vector<ConfigEntry>();
}

std::string Error(const std::string& text) {
  const auto entries = ParseConfigFile(text, "file");
  EXPECT_FALSE(entries.ok()) << text;
  EXPECT_TRUE(absl::IsInvalidArgument(entries.status())) << entries.status();
  return std::string(entries.status().message());
}

TEST(ConfigFile, ReadsWordsQuotesAndLists) {
  const auto entries = Parse(
      "# a comment\n"
      "\n"
      "lanes=2\n"
      "  listen\t = \"[::]:50051\"  # behind it\r\n"
      "; an INI file's comment\n"
      "log-format = 'json'\n"
      "model = [ \"a=x y\", # the first\n"
      "  'b=#\\', c=z,\n"
      "]\n"
      "precision = auto # without quotes\n"
      "metrics-listen = \"\"");
  ASSERT_EQ(entries.size(), 6U);
  EXPECT_EQ(entries[0].key, "lanes");
  EXPECT_EQ(entries[0].line, 3);
  EXPECT_THAT(entries[0].values, ElementsAre("2"));
  EXPECT_FALSE(entries[0].is_list);
  EXPECT_THAT(entries[1].values, ElementsAre("[::]:50051"));
  EXPECT_THAT(entries[2].values, ElementsAre("json"));
  EXPECT_THAT(entries[3].values, ElementsAre("a=x y", "b=#\\", "c=z"));
  EXPECT_TRUE(entries[3].is_list);
  EXPECT_EQ(entries[3].line, 7);
  EXPECT_THAT(entries[4].values, ElementsAre("auto"));
  EXPECT_EQ(entries[5].line, 11);
  EXPECT_THAT(entries[5].values, ElementsAre(""));
}

TEST(ConfigFile, BackslashesHoldInDoubleQuotes) {
  EXPECT_THAT(Parse(R"(model = "a\"b\\c")")[0].values, ElementsAre(R"(a"b\c)"));
  EXPECT_THAT(Parse(R"(model = 'a\"b')")[0].values, ElementsAre(R"(a\"b)"));
}

TEST(ConfigFile, SkipsAByteOrderMark) {
  const auto entries = Parse("\xEF\xBB\xBFlisten = a:1\n");
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].key, "listen");
  EXPECT_THAT(Parse("\xEF\xBB\xBF"), IsEmpty());
  EXPECT_THAT(Error("lanes = 2\n\xEF\xBB\xBFlisten = a\n"), StartsWith("file:2: expected key"));
}

TEST(ConfigFile, EmptyFilesSetNothing) {
  for (const char* text : {"", "\n", "\r\n\r\n", "# only this", "   \t\n"}) {
    EXPECT_THAT(Parse(text), IsEmpty());
  }
}

TEST(ConfigFile, NamesTheLineAndWhatWasExpected) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"lanes = 2\nlanes", "file:2: lanes: expected = behind the key, found the end of the line"},
      {"max texts = 2", "file:1: max: expected = behind the key, found 'texts = 2'"},
      {"\n= 2", "file:2: expected key = value, found '= 2'"},
      {"{\"lanes\": 2}", "file:1: expected key = value, found '{\"lanes\": 2}'"},
      {"lanes: 2", "file:1: lanes: expected = behind the key, found ': 2'"},
      {"\"lanes\" = 2", "file:1: expected key = value"},
      {"a = 1\n[server]\n",
       "file:2: expected key = value, found '[server]': there are no sections"},
      {"lanes =",
       "file:1: lanes: expected a word, a text in quotes or a list in brackets, found "
       "the end of the line"},
      {"lanes = # 2", "file:1: lanes: expected a word"},
      {"lanes = 2 3", "file:1: lanes: expected the end of the line behind the value, found '3'"},
      {"model = a, b", "expected the end of the line behind the value, found ', b'"},
      {"listen = a#b", "expected the end of the line behind the value, found '#b'"},
      {"model = [a#b]", "expected the end of the line behind the value, found '#b]'"},
      {"listen = \"a\" b", "expected the end of the line behind the value, found 'b'"},
      {"listen = \"\"\"a\"\"\"", "expected the end of the line behind the value"},
      {"listen = [::]:50051",
       "file:1: listen: expected the end of the line behind the value, "
       "found ':50051'"},
      {"listen = \"a\nlanes = 2", "file:1: listen: expected \" behind the text, in the same line"},
      {"listen = 'a", "file:1: listen: expected ' behind the text"},
      {R"(listen = "a\n")", "file:1: listen: expected \\\" or \\\\ where"},
      {"listen = \"a\\", "file:1: listen: expected \\\" or \\\\ where"},
      {"\nmodel = [a,\n b\n",
       "file:2: model: expected ] behind the list, found the end of the file"},
      {"model = [a\nb]", "file:2: model: expected , or ] in the list, found 'b]'"},
      {"model = [,]", "file:1: model: expected a word"},
      {"model = [[a]]", "file:1: model: expected a word"},
      {"lanes = 2\n\nlanes = 2\n", "file:3: lanes: is set a second time, after line 1"},
      {"lanes = 2\n\0"s, "file:2: expected text, found the control character 0x00 in column 1"},
      {"lanes = 2\rlisten = a\n", "file:1: expected text, found the control character 0x0D"},
      {"\xFF\xFEl\0i\0s\0"s, "file:1: expected UTF-8, found byte 0xFF in column 1"},
      {"# \x7F"
       "ELF",
       "file:1: expected text, found the control character 0x7F in column 3"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(Error(text), HasSubstr(message)) << text;
  }
}

TEST(ConfigFile, BoundsLinesAndFiles) {
  const std::string longest(kMaxConfigLineBytes, '#');
  EXPECT_THAT(Parse(longest + "\n"), IsEmpty());
  EXPECT_EQ(Error("\n" + longest + "#"),
            "file:2: expected a line of at most 8192 bytes, found 8193");
  std::string text(kMaxConfigFileBytes, '\n');
  EXPECT_THAT(Parse(text), IsEmpty());
  EXPECT_EQ(Error(text + "\n"), "file: expected a file of at most 1048576 bytes");
}

TEST(ConfigFile, ShowsLittleOfALongLine) {
  EXPECT_LT(Error("lanes " + std::string(8000, 'x')).size(), 200U);
}

TEST(ReadConfigFile, NamesTheFile) {
  const std::string file = ScratchFile("config.toml");
  std::ofstream(file) << "lanes = 2\n";
  const auto entries = ReadConfigFile(file);
  EXPECT_TRUE(entries.ok()) << entries.status();
  std::ofstream(file) << "lanes\n";
  EXPECT_THAT(std::string(ReadConfigFile(file).status().message()),
              StartsWith(file + ":1: lanes: expected ="));
  std::filesystem::remove(file);
  EXPECT_THAT(std::string(ReadConfigFile(file).status().message()), HasSubstr(file));
  EXPECT_THAT(std::string(ReadConfigFile(testing::TempDir()).status().message()),
              HasSubstr("directory"));
  // It has no end, and is read no further than the limit.
  EXPECT_THAT(std::string(ReadConfigFile("/dev/zero").status().message()),
              HasSubstr("at most 1048576 bytes"));
}

}  // namespace
}  // namespace synth::server
