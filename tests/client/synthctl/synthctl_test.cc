// The program itself, run as users do, against a server in this process.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/client/fake_server.h"
#include "tests/client/synthctl/program.h"

namespace synth::client {
namespace {

// Sets all variables that name a proxy, and lets no_proxy except nothing.
class ScopedProxies {
 public:
  explicit ScopedProxies(const char* proxy) {
    for (const char* name : kNames) setenv(name, proxy, 1);
    for (const char* name : {"no_proxy", "no_grpc_proxy"}) unsetenv(name);
  }
  ~ScopedProxies() {
    for (const char* name : kNames) unsetenv(name);
  }
  ScopedProxies(const ScopedProxies&) = delete;
  ScopedProxies& operator=(const ScopedProxies&) = delete;

 private:
  static constexpr const char* kNames[] = {"http_proxy", "https_proxy", "grpc_proxy", "all_proxy"};
};

std::vector<nlohmann::json> JsonLines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

TEST(Synthctl, EncodeReportsBadLinesAndGoesOn) {
  const FakeServer server;
  const std::string file = FileWith("abc\ncaf\xE9\n\nabcd\n");
  const Outcome outcome =
      RunSynthctl(server.Target(), "encode --output jsonl --batch 3 --file " + file);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "synthctl: line 2: INVALID_ARGUMENT: not UTF-8: byte 0xE9 at offset 3\n"
            "synthctl: line 3: INVALID_ARGUMENT: the text is empty\n");
  const auto lines = JsonLines(outcome.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["embedding"], (std::vector<float>{3, 'a'}));
  EXPECT_EQ(lines[1]["error"]["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(lines[3]["index"], 3);
  EXPECT_EQ(lines[3]["embedding"][0], 4);
}

TEST(Synthctl, NpyHasARowForEveryText) {
  const FakeServer server;
  const std::string file = FileWith("\nabc\n\nabcd\n\n");
  const std::string npy = ScratchFile("npy");
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --output npy --out " + npy + " < " + file).code,
            1);
  const std::string content = ReadFile(npy);
  EXPECT_EQ(content.size(), 128 + sizeof(float) * 5 * 2);
  EXPECT_NE(content.find("'shape': (5, 2)"), std::string::npos);
  // The same through standard output, a file here.
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --output npy --file " + file).out, content);
}

TEST(Synthctl, EncodeShowsATable) {
  const FakeServer server;
  const Outcome outcome = RunSynthctl(server.Target(), "encode abc 'two words'");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("[2] 3.0000 97.0000"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("two words"), std::string::npos);
}

TEST(Synthctl, AnArgumentIsOneTextByteForByte) {
  FakeServer server;
  std::vector<std::string> seen;
  server.encode = [&seen](auto&, const auto& request, auto& response) {
    seen.assign(request.texts().begin(), request.texts().end());
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  server.classify = [&seen](auto&, const auto& request, auto& response) {
    seen.assign(request.texts().begin(), request.texts().end());
    for (int i = 0; i < request.texts_size(); ++i) response.add_results();
    return grpc::Status::OK;
  };
  for (const char* text : {"[play, jazz]", "[]",    "[[]]", "[",       "[a",
                           "a]",           "++",    "{}",   "{a,b}",   "%%",
                           "a,b",          "load",  "-5",   "\x01[a]", "\xEF\xBB\xBFz",
                           " a ",          "\"a\"", "a\nb", "=a",      "/a"}) {
    for (const char* command : {"classify '", "encode '"}) {
      seen.clear();
      const Outcome outcome = RunSynthctl(server.Target(), command + std::string(text) + "'");
      EXPECT_EQ(outcome.code, 0) << text << ": " << outcome.err;
      EXPECT_EQ(seen, std::vector<std::string>{text});
      RunSynthctl(server.Target(), command + std::string("first' --batch 9 '") + text + "' last");
      EXPECT_EQ(seen, (std::vector<std::string>{"first", text, "last"}));
    }
  }
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --batch 9 -- -b --batch -- '[c]' ''").code, 1);
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "-b", "--batch", "--", "[c]", ""}));
  EXPECT_EQ(RunSynthctl(server.Target(), "encode -- --help").code, 0);
  EXPECT_EQ(seen, (std::vector<std::string>{"--help"}));
  EXPECT_EQ(RunSynthctl(server.Target(), "tokenize '[b]' --output jsonl").out,
            "{\"index\":0,\"ids\":[91,98,93],\"pieces\":[\"[\",\"b\",\"]\"]}\n");
}

TEST(Synthctl, OptionsTakeTheirValuesByteForByte) {
  const FakeServer server;
  const Outcome outcome = RunSynthctl(server.Target(), "encode --file '[a, b]'");
  EXPECT_EQ(outcome.code, 5);
  EXPECT_NE(outcome.err.find("[a, b]: No such file"), std::string::npos) << outcome.err;
  EXPECT_EQ(RunSynthctl(server.Target(), "health '[a]'").code, 2);
  EXPECT_EQ(RunSynthctl(server.Target(), "-- health").code, 2);
}

TEST(Synthctl, ClassifyReportsAccuracy) {
  const FakeServer server;
  const std::string file = FileWith("short\tabc\nlong\tabc\nno tab\nlong\tabcdef\n");
  const Outcome outcome =
      RunSynthctl(server.Target(), "classify --tsv --output jsonl --file " + file);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "synthctl: line 3: INVALID_ARGUMENT: no tab: expected label<TAB>text\n"
            "accuracy 0.5000 (2 of 4 texts); 1 failed\n");
  const auto lines = JsonLines(outcome.out);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1]["expected"], "long");
  EXPECT_EQ(lines[1]["labels"][0]["name"], "short");
}

TEST(Synthctl, ClassifySendsItsOptions) {
  FakeServer server;
  v1::ClassifyRequest seen;
  server.classify = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    response.add_results();
    return grpc::Status::OK;
  };
  EXPECT_EQ(
      RunSynthctl(server.Target(), "classify a --top-k 0 --logits --truncation none --model m")
          .code,
      0);
  EXPECT_TRUE(seen.has_top_k());
  EXPECT_EQ(seen.top_k(), 0U);
  EXPECT_EQ(seen.score_type(), v1::SCORE_TYPE_LOGIT);
  EXPECT_EQ(seen.truncation(), v1::TRUNCATION_NONE);
  EXPECT_EQ(seen.model(), "m");
}

TEST(Synthctl, ClassifySendsPairs) {
  FakeServer server;
  v1::ClassifyRequest seen;
  server.classify = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    for (int i = 0; i < request.texts_size(); ++i) response.add_results();
    return grpc::Status::OK;
  };
  const std::string file = FileWith("a\tb c\nno tab\nd\te\tf\n");
  const Outcome outcome = RunSynthctl(server.Target(), "classify --pairs --file " + file);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err,
            "synthctl: line 2: INVALID_ARGUMENT: no tab: expected text<TAB>second text\n");
  EXPECT_EQ(seen.texts_size(), 2);
  EXPECT_EQ(std::vector<std::string>(seen.text_pairs().begin(), seen.text_pairs().end()),
            (std::vector<std::string>{"b c", "e\tf"}));

  EXPECT_EQ(
      RunSynthctl(server.Target(), "classify --pairs --tsv --file " + FileWith("label\ta\tb\n"))
          .code,
      0);
  EXPECT_EQ(seen.texts(0), "a");
  EXPECT_EQ(seen.text_pairs(0), "b");
}

TEST(Synthctl, RerankSortsWhatCameInSeveralRequests) {
  const FakeServer server;
  const std::string file = FileWith("abc\n\nabcde\na\nabcd\n");
  const Outcome all =
      RunSynthctl(server.Target(), "rerank --query q --batch 2 --output jsonl --file " + file);
  EXPECT_EQ(all.code, 1);
  EXPECT_EQ(all.err, "synthctl: line 2: INVALID_ARGUMENT: the text is empty\n");
  const auto lines = JsonLines(all.out);
  ASSERT_EQ(lines.size(), 5U);
  std::vector<int> order;
  for (const auto& line : lines) order.push_back(line["index"].get<int>());
  EXPECT_EQ(order, (std::vector<int>{2, 4, 0, 3, 1}));
  EXPECT_EQ(lines[0]["score"], 5);
  EXPECT_EQ(lines[4]["error"]["code"], "INVALID_ARGUMENT");

  const Outcome best = RunSynthctl(server.Target(), "rerank --query q --top-k 1 abc abcde a");
  EXPECT_EQ(best.code, 0) << best.err;
  EXPECT_NE(best.out.find("     1      2    5.0000"), std::string::npos) << best.out;
  EXPECT_EQ(best.out.find("     2      1"), std::string::npos) << best.out;
}

TEST(Synthctl, RerankSendsItsOptions) {
  FakeServer server;
  v1::RerankRequest seen;
  server.rerank = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    response.add_results();
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunSynthctl(server.Target(), "rerank a --query q --logits --truncation none").code, 0);
  EXPECT_EQ(seen.query(), "q");
  EXPECT_EQ(seen.score_type(), v1::SCORE_TYPE_LOGIT);
  EXPECT_EQ(seen.truncation(), v1::TRUNCATION_NONE);
  EXPECT_EQ(RunSynthctl(server.Target(), "rerank a").code, 2) << "a query is needed";
}

TEST(Synthctl, AsksForWindows) {
  FakeServer server;
  v1::EncodeRequest seen;
  server.encode = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    response.add_results()->add_embedding(1);
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --truncation windows --window-overlap 16").code,
            0);
  EXPECT_EQ(seen.truncation(), v1::TRUNCATION_WINDOWS);
  EXPECT_EQ(seen.window_overlap(), 16U);
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a").code, 0);
  EXPECT_FALSE(seen.has_window_overlap());
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --truncation middle").code, 2);
}

TEST(Synthctl, LeavesNormalizingToTheModelUnlessTold) {
  FakeServer server;
  v1::EncodeRequest seen;
  server.encode = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    response.add_results()->add_embedding(1);
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a").code, 0);
  EXPECT_FALSE(seen.has_normalize());
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --normalize a").code, 0);
  EXPECT_TRUE(seen.has_normalize());
  EXPECT_TRUE(seen.normalize());
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --no-normalize a").code, 0);
  EXPECT_TRUE(seen.has_normalize());
  EXPECT_FALSE(seen.normalize());
}

TEST(Synthctl, AsksForDimensionsAPromptAndBytes) {
  FakeServer server;
  v1::EncodeRequest seen;
  server.encode = [&seen](auto&, const auto& request, auto& response) {
    seen = request;
    v1::EncodeResult& result = *response.add_results();
    if (request.embedding_format() == v1::EMBEDDING_FORMAT_INT8) {
      result.set_embedding_bytes("\x7F\x80");
      result.set_embedding_scale(0.5F);
    } else {
      result.add_embedding(1);
    }
    return grpc::Status::OK;
  };
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a").code, 0);
  EXPECT_FALSE(seen.has_dimensions());
  EXPECT_FALSE(seen.has_prompt_name());
  const auto run = RunSynthctl(server.Target(),
                               "encode a --dimensions 2 --prompt query --wire int8 --output jsonl");
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(seen.dimensions(), 2U);
  EXPECT_EQ(seen.prompt_name(), "query");
  EXPECT_NE(run.out.find("\"embedding\":[63.5,-64]"), std::string::npos) << run.out;
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --wire f64").code, 2);
}

TEST(Synthctl, ARefusedRequestEndsTheRunAtOnce) {
  FakeServer server;
  server.classify = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "the model has no classifier");
  };
  const Outcome outcome = RunSynthctl(server.Target(), "classify a b c --batch 1");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.err, "synthctl: FAILED_PRECONDITION: the model has no classifier\n");
}

TEST(Synthctl, AFailedRequestNamesItsLinesAndTheRunGoesOn) {
  FakeServer server;
  server.encode = [](auto&, const auto& request, auto& response) {
    if (request.texts(0) == "c") return grpc::Status(grpc::StatusCode::INTERNAL, "broken");
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  const std::string file = FileWith("a\nb\nc\nd\ne\n");
  const Outcome outcome =
      RunSynthctl(server.Target(), "encode --output jsonl --batch 2 --file " + file);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.err, "synthctl: line 3 to line 4: INTERNAL: broken\n");
  EXPECT_EQ(JsonLines(outcome.out).size(), 5U);
}

TEST(Synthctl, EndsAtOnceAfterATextThatIsTooLargeForTheServer) {
  const FakeServer server;
  constexpr size_t kBytes = 20'000'000;
  const std::string file = FileWith("abc\n" + std::string(kBytes, 'a') + "\nabcd\n");
  // Without care gRPC holds the process for 10 s, in about half of the runs.
  constexpr int kRuns = 4;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = RunSynthctl(server.Target(), "classify --file " + file);
    EXPECT_EQ(outcome.code, 3);
    EXPECT_NE(outcome.err.find("line 2: RESOURCE_EXHAUSTED"), std::string::npos) << outcome.err;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  }
}

TEST(Synthctl, ATextAboveTheServersLimitIsNotSent) {
  FakeServer server;
  server.limits.set_max_text_bytes(100);
  server.limits.set_max_message_bytes(1000);
  std::atomic<bool> sent_long = false;
  server.classify = [&](grpc::ServerContext&, const v1::ClassifyRequest& request,
                        v1::ClassifyResponse& response) {
    for (const std::string& text : request.texts()) {
      if (text.size() > 100) sent_long = true;
      response.add_results()->add_labels()->set_name("any");
    }
    return grpc::Status::OK;
  };
  const std::string longest(100, 'x');
  for (const char* command : {"classify", "classify --batch 1"}) {
    const Outcome outcome =
        RunSynthctl(server.Target(), absl::StrCat(command, " a ", longest, " y", longest, " b"));
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_NE(
        outcome.err.find("text 3: INVALID_ARGUMENT: expected a text of at most 100 bytes, the "
                         "server's limit, found 101; not sent"),
        std::string::npos)
        << outcome.err;
    EXPECT_NE(outcome.out.find("     4 "), std::string::npos) << outcome.out;
  }
  EXPECT_FALSE(sent_long);
}

TEST(Synthctl, TokenizeShowsPiecesAndIds) {
  const FakeServer server;
  EXPECT_EQ(RunSynthctl(server.Target(), "tokenize ab").out,
            "1: 2 tokens\n  pieces a b\n  ids    97 98\n");
  EXPECT_EQ(RunSynthctl(server.Target(), "tokenize ab --output jsonl").out,
            "{\"index\":0,\"ids\":[97,98],\"pieces\":[\"a\",\"b\"]}\n");
}

TEST(Synthctl, ModelSpeaksTextAndJson) {
  const FakeServer server;
  const std::string text = RunSynthctl(server.Target(), "model").out;
  EXPECT_NE(text.find("labels      2: long, short"), std::string::npos);
  EXPECT_NE(text.find("precision   bf16, on v4 kernels"), std::string::npos);
  const auto json = nlohmann::json::parse(RunSynthctl(server.Target(), "model --json").out);
  EXPECT_EQ(json["config"]["hidden_size"], 2);
  EXPECT_EQ(json["precision"], "bf16");
  EXPECT_EQ(json["instruction_set"], "v4");
  const Outcome unknown = RunSynthctl(server.Target(), "model --model other");
  EXPECT_EQ(unknown.code, 3);
  EXPECT_EQ(unknown.err, "synthctl: NOT_FOUND: no model of that name\n");
}

TEST(Synthctl, HealthIsAnExitCode) {
  FakeServer server;
  EXPECT_EQ(RunSynthctl(server.Target(), "health").code, 0);
  EXPECT_EQ(RunSynthctl(server.Target(), "health --wait 10").code, 0);
  EXPECT_EQ(RunSynthctl(server.Target(), "health --service no.such.Service").code, 4);
  server.SetServing(false);
  const Outcome outcome = RunSynthctl(server.Target(), "health");
  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.out, "NOT_SERVING\n");
  EXPECT_EQ(RunSynthctl(server.Target(), "health --wait 0.2").code, 4);
  EXPECT_EQ(RunSynthctl("127.0.0.1:1", "health").code, 3);
}

TEST(Synthctl, ThisMachineIsNeverReachedThroughAProxy) {
  const FakeServer server;
  const std::string port = server.Target().substr(server.Target().rfind(':'));
  const ScopedProxies proxies("http://127.0.0.1:9");
  for (const std::string& target : {"127.0.0.1" + port, "localhost" + port,
                                    "dns:///localhost" + port, "ipv4:127.0.0.1" + port}) {
    const Outcome outcome = RunSynthctl(target, "health");
    EXPECT_EQ(outcome.code, 0) << target << ": " << outcome.err;
  }
  // Another name goes to the proxy, which is not there, instead of to a name server.
  const Outcome other = RunSynthctl("synthserve.invalid" + port, "health");
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("127.0.0.1:9"), std::string::npos) << other.err;
}

TEST(Synthctl, LoadReports) {
  const FakeServer server;
  const std::string run = "load --rate 100 --warmup 0 --duration 0.2 --texts-per-request 2";
  const Outcome text = RunSynthctl(server.Target(), run);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("requests     20, of which 20 succeeded"), std::string::npos) << text.out;
  const auto json =
      nlohmann::json::parse(RunSynthctl(server.Target(), run + " --poisson --json").out);
  EXPECT_EQ(json["load"]["spacing"], "poisson");
  EXPECT_GT(json["latency_seconds"]["p99"], 0.0);
  EXPECT_EQ(RunSynthctl(server.Target(), "load --concurrency 2 --warmup 0 --duration 0.2").code, 0);
}

TEST(Synthctl, WrongUsageIsTwo) {
  const FakeServer server;
  for (const char* arguments :
       {"", "nothing", "encode --pooling median a", "encode --batch 0 a", "load",
        "load --rate 1 --concurrency 1", "encode --file x text", "--deadline -1 model"}) {
    EXPECT_EQ(RunSynthctl(server.Target(), arguments).code, 2) << arguments;
  }
}

TEST(Synthctl, FilesThatCannotBeUsedAreFive) {
  const FakeServer server;
  EXPECT_EQ(RunSynthctl(server.Target(), "encode --file /nowhere/texts").code, 5);
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --out /nowhere/out").code, 5);
  EXPECT_EQ(RunSynthctl(server.Target(), "encode a --output jsonl --out /dev/full").code, 5);
}

TEST(Synthctl, HelpTeaches) {
  const Outcome help = RunSynthctl("unused", "--help");
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("Exit codes:"), std::string::npos);
  for (const char* command : {"encode", "classify", "tokenize", "model", "health", "load"}) {
    EXPECT_NE(help.out.find(command), std::string::npos);
    const Outcome of_command = RunSynthctl("unused", std::string(command) + " --help");
    EXPECT_EQ(of_command.code, 0);
    EXPECT_NE(of_command.out.find("Examples:"), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace synth::client
