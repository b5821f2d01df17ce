#include "client/synthctl/text_input.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/files.h"

namespace synth::synthctl {
namespace {

std::unique_ptr<TextInput> OpenFileWith(const std::string& content, bool tsv = false) {
  const std::string file = ScratchFile("texts");
  WriteFile(file, content);
  TextInputOptions options;
  options.file = file;
  options.tsv = tsv;
  return *TextInput::Open(options);
}

std::vector<std::string> Texts(TextInput& input) {
  std::vector<std::string> texts;
  while (const auto next = input.Next()) texts.push_back(next->text);
  return texts;
}

TEST(TextInput, LinesComeWithoutTheirEnds) {
  const auto input = OpenFileWith(std::string("one\ntwo\r\n\nnul\0in\nlast", 21));
  EXPECT_EQ(Texts(*input),
            (std::vector<std::string>{"one", "two", "", std::string("nul\0in", 6), "last"}));
  EXPECT_EQ(input->NameOf(2), "line 3");
  EXPECT_EQ(input->FractionRead(), 1.0);
  EXPECT_TRUE(input->ReadStatus().ok());
}

TEST(TextInput, ALineEndAtTheEndAddsNoText) {
  EXPECT_EQ(Texts(*OpenFileWith("one\n")), std::vector<std::string>{"one"});
  EXPECT_TRUE(Texts(*OpenFileWith("")).empty());
}

TEST(TextInput, AByteOrderMarkAtTheHeadIsSkipped) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(Texts(*OpenFileWith(mark + "one\n" + mark + "two\n")),
            (std::vector<std::string>{"one", mark + "two"}));
  EXPECT_EQ(Texts(*OpenFileWith(mark + "\r\ntwo")), (std::vector<std::string>{"", "two"}));
  EXPECT_EQ(Texts(*OpenFileWith(mark + mark)), std::vector<std::string>{mark});
  EXPECT_EQ(Texts(*OpenFileWith("\xEF\xBB")), std::vector<std::string>{"\xEF\xBB"});
  EXPECT_TRUE(Texts(*OpenFileWith(mark)).empty());
  const auto labelled = OpenFileWith(mark + "a\tone\n", /*tsv=*/true);
  EXPECT_EQ(labelled->Next()->tag, "a");
  EXPECT_EQ(labelled->FractionRead(), 1.0);
}

TEST(TextInput, TsvLinesHaveLabelAndText) {
  const auto input = OpenFileWith("a\tone\ttwo\nno tab\n\tx\n", /*tsv=*/true);
  const auto first = input->Next();
  EXPECT_EQ(first->tag, "a");
  EXPECT_EQ(first->text, "one\ttwo");
  EXPECT_EQ(input->Next()->status.code(), absl::StatusCode::kInvalidArgument);
  const auto third = input->Next();
  EXPECT_TRUE(third->status.ok());
  EXPECT_EQ(third->tag, "");
}

TEST(TextInput, ArgumentsAreTexts) {
  TextInputOptions options;
  options.texts = {"one", "two\nlines"};
  const auto input = *TextInput::Open(options);
  EXPECT_EQ(Texts(*input), options.texts);
  EXPECT_EQ(input->NameOf(0), "text 1");
  EXPECT_EQ(input->FractionRead(), std::nullopt);
}

TEST(TextInput, AMissingFileIsNamed) {
  TextInputOptions options;
  options.file = "/nowhere/texts";
  const auto input = TextInput::Open(options);
  EXPECT_EQ(input.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(input.status().message().find("/nowhere/texts"), absl::string_view::npos);
}

TEST(TextInput, AFolderIsAReadError) {
  TextInputOptions options;
  options.file = "/";
  const auto input = *TextInput::Open(options);
  EXPECT_TRUE(Texts(*input).empty());
  EXPECT_FALSE(input->ReadStatus().ok());
}

}  // namespace
}  // namespace synth::synthctl
