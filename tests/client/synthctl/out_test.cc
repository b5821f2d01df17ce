// Where synthctl's results go, what becomes of an older file there, and that the input survives.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/client/fake_server.h"
#include "tests/client/synthctl/program.h"

namespace synth::client {
namespace {

namespace fs = std::filesystem;

// An input, and names for files beside it, in a folder of the test's own.
class SynthctlOut : public testing::Test {
 protected:
  SynthctlOut() { Put("in", kTexts); }

  std::string Path(const std::string& name) const { return folder_.path() / name; }
  void Put(const std::string& name, const std::string& content) const {
    WriteFile(Path(name), content);
  }
  std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  // The file that a run left beside out; empty if there is none.
  std::string LeftBeside() const {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().starts_with("out.partial-")) return entry.path();
    }
    return "";
  }

  static constexpr char kTexts[] = "abc\nabcd\nb\n";

 private:
  const TempFolder folder_;
};

TEST_F(SynthctlOut, NeverTheInput) {
  const FakeServer server;
  fs::create_symlink("in", Path("symbolic"));
  fs::create_hard_link(Path("in"), Path("hard"));
  for (const char* command : {"classify", "encode", "tokenize"}) {
    for (const char* name : {"in", "symbolic", "hard"}) {
      for (const char* option : {" --file ", " < "}) {
        const Outcome outcome =
            RunSynthctl(server.Target(), command + (option + Path("in")) + " --out " + Path(name));
        EXPECT_EQ(outcome.code, 2) << command << option << name;
        EXPECT_EQ(outcome.err, "synthctl: " + Path(name) + ": is also the input\n");
        EXPECT_EQ(ReadFile(Path("in")), kTexts);
      }
    }
  }
  EXPECT_EQ(Files(), 3U);
}

TEST_F(SynthctlOut, NeverTheInputByRedirection) {
  const FakeServer server;
  fs::create_hard_link(Path("in"), Path("hard"));
  for (const std::string command :
       {"classify", "encode --output npy", "tokenize", "load --rate 9 --duration 0.1 --warmup 0"}) {
    for (const char* redirection : {">> ", "1<> "}) {
      const Outcome outcome = RunSynthctl(server.Target(), command + " --file " + Path("in"),
                                          redirection + Path("hard"));
      EXPECT_EQ(outcome.code, 2) << command;
      EXPECT_EQ(outcome.err, "synthctl: standard output is also the input\n");
      EXPECT_EQ(ReadFile(Path("in")), kTexts);
    }
  }
}

TEST_F(SynthctlOut, ReplacesAnOlderFileAfterASuccess) {
  const FakeServer server;
  Put("out", "old");
  const Outcome outcome =
      RunSynthctl(server.Target(), "tokenize --output jsonl ab --out " + Path("out"));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(ReadFile(Path("out")), "{\"index\":0,\"ids\":[97,98],\"pieces\":[\"a\",\"b\"]}\n");
  EXPECT_EQ(Files(), 2U);
}

TEST_F(SynthctlOut, ReplacesAnOlderFileWhenTextsFail) {
  const FakeServer server;
  Put("out", "old");
  const std::string command = "encode --output jsonl ab '' --out " + Path("out");
  EXPECT_EQ(RunSynthctl(server.Target(), command).code, 1);
  const std::string content = ReadFile(Path("out"));
  EXPECT_EQ(std::count(content.begin(), content.end(), '\n'), 2) << content;
  EXPECT_EQ(Files(), 2U);
}

TEST_F(SynthctlOut, KeepsAnOlderFileWhenTheServerFails) {
  FakeServer server;
  server.encode = [](auto&, const auto& request, auto& response) {
    if (request.texts(0) == "b") return grpc::Status(grpc::StatusCode::INTERNAL, "broken");
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  Put("out", "old");
  const std::string command = "encode --output jsonl --out " + Path("out") + " --batch 1 ";
  const Outcome nothing = RunSynthctl(server.Target(), command + "b");
  EXPECT_EQ(nothing.code, 3);
  EXPECT_EQ(nothing.err, "synthctl: text 1: INTERNAL: broken\n");
  EXPECT_EQ(ReadFile(Path("out")), "old");
  EXPECT_EQ(Files(), 2U);

  // What was computed before is not lost.
  const Outcome some = RunSynthctl(server.Target(), command + "--file " + Path("in"));
  EXPECT_EQ(some.code, 3);
  EXPECT_EQ(ReadFile(Path("out")), "old");
  const std::string left = LeftBeside();
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(some.err, "synthctl: line 3: INTERNAL: broken\nsynthctl: the results so far are in " +
                          left + "\n");
  const std::string content = ReadFile(left);
  EXPECT_EQ(std::count(content.begin(), content.end(), '\n'), 3) << content;
}

TEST_F(SynthctlOut, KeepsAnOlderFileWhenTheInputFails) {
  const FakeServer server;
  Put("out", "old");
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --file / --out " + Path("out")).code, 5);
  EXPECT_EQ(RunSynthctl("no:such:target", "encode a --out " + Path("out")).code, 3);
  EXPECT_EQ(ReadFile(Path("out")), "old");
  EXPECT_EQ(Files(), 2U);
}

TEST_F(SynthctlOut, WritesToStandardOutputByItsPath) {
  const FakeServer server;
  const std::string command = "tokenize --output jsonl ab --out ";
  const std::string expected = RunSynthctl(server.Target(), command + "-").out;
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(RunSynthctl(server.Target(), command + "/dev/stdout").out, expected);
  EXPECT_EQ(RunSynthctl(server.Target(), command + "/dev/stdout", "| cat >" + Path("out")).code, 0);
  EXPECT_EQ(ReadFile(Path("out")), expected);
  EXPECT_EQ(Files(), 2U);
}

}  // namespace
}  // namespace synth::client
