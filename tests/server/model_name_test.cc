#include "server/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace synth::server {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)
using testing::HasSubstr;

TEST(ModelName, TakesWhatPeopleCanRead) {
  for (const std::string& name :
       {"intent"s, "intent-clinc150"s, "a/b:v2 (new)"s, "Absicht-für-Grüße"s, "意図"s,
        "\U0001F600"s, std::string(kMaxModelNameBytes, 'x')}) {
    EXPECT_TRUE(CheckModelName(name).ok()) << name << ": " << CheckModelName(name);
  }
}

TEST(ModelName, RefusesTheRest) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "has 0 bytes, expected 1 to 128"},
      {std::string(kMaxModelNameBytes + 1, 'x'), "has 129 bytes, expected 1 to 128"},
      {"a\xFF", "is not UTF-8: byte 0xFF at offset 1"},
      {"a\xC3", "is not UTF-8"},
      {"\xED\xA0\x80", "is not UTF-8"},
      {"a\nb", "U+000A"},
      {"a\0b"s, "U+0000"},
      {"a\x7F", "U+007F"},
      {"a\xC2\x85", "U+0085"},
      {"a\xE2\x80\x8B", "U+200B"},
      {"a\xE2\x80\xA8", "U+2028"},
      {"a\xE2\x80\xAE", "U+202E"},
      {"\xEF\xBB\xBF"
       "a",
       "U+FEFF"},
      {" a", "begins or ends with a blank"},
      {"a ", "begins or ends with a blank"},
  };
  for (const auto& [name, problem] : cases) {
    const absl::Status status = CheckModelName(name);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem));
    for (const char c : status.message()) {
      EXPECT_TRUE(c >= ' ' && c <= '~') << "a message can be printed: " << status.message();
    }
    EXPECT_LT(status.message().size(), 300U);
  }
}

}  // namespace
}  // namespace synth::server
