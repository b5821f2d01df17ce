// Nothing that a client sends crashes, hangs or grows the server, and each mistake is named.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include <future>
#include <random>
#include <string>

#include "tests/integration/running_server.h"

namespace synth::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadInputTest : public testing::Test {
 protected:
  ~BadInputTest() override {
    EXPECT_EQ(running_.ClassifyOne("what is my checking account balance"), "balance")
        << "the server is in order";
  }

  grpc::Status Classify(const v1::ClassifyRequest& request, v1::ClassifyResponse* response) {
    grpc::ClientContext context;
    return running_.stub().Classify(&context, request, response);
  }
  grpc::Status Classify(const v1::ClassifyRequest& request) {
    v1::ClassifyResponse response;
    return Classify(request, &response);
  }

  // Sends bytes as they are, as a client that knows nothing of protobuf might.
  grpc::Status Send(const std::string& method, const std::string& bytes,
                    std::string* answer = nullptr) {
    grpc::GenericStub stub(running_.channel());
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    std::promise<grpc::Status> done;
    stub.UnaryCall(&context, "/synth.v1.Inference/" + method, {}, &request, &response,
                   [&](grpc::Status status) { done.set_value(std::move(status)); });
    grpc::Status status = done.get_future().get();
    grpc::Slice out;
    if (answer != nullptr && status.ok() && response.DumpToSingleSlice(&out).ok()) {
      answer->assign(reinterpret_cast<const char*>(out.begin()), out.size());
    }
    return status;
  }

  RunningServer running_;
};

TEST_F(BadInputTest, NoTexts) {
  const grpc::Status status = Classify({});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("texts: expected at least 1"));
}

TEST_F(BadInputTest, TenThousandTexts) {
  v1::ClassifyRequest request;
  for (int i = 0; i < 10'000; ++i) request.add_texts("hello");
  const grpc::Status status = Classify(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("1024"), HasSubstr("10000")));
}

TEST_F(BadInputTest, MillionsOfEmptyTexts) {
  std::string bytes;
  for (int i = 0; i < 2'000'000; ++i) bytes += std::string("\x12\0", 2);
  bytes += '\xff';  // damaged at the end: who reads all of it first, says that
  for (const char* method : {"Encode", "Classify", "Tokenize"}) {
    const grpc::Status status = Send(method, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("at most 1024, found 2000000"));
  }
}

// gRPC refuses it before any of our code sees it; its own counters tell.
TEST_F(BadInputTest, AMessageOverTheLimitIsCountedByGrpc) {
  const double before = running_.Metric("synth_grpc_calls_started_total");
  v1::ClassifyRequest request;
  request.add_texts(std::string(5'000'000, 'a'));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Classify(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_EQ(running_.Metric("synth_grpc_calls_started_total") - before, 3);
}

TEST_F(BadInputTest, MillionsOfUnknownFields) {
  std::string bytes("\x12\x05hello", 7);
  for (int i = 0; i < 1'000'000; ++i) bytes += std::string("\xfa\x07\x00", 3);
  for (const char* method : {"Encode", "Classify", "Tokenize"}) {
    const grpc::Status status = Send(method, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(),
                HasSubstr("at most 64 fields besides texts, found 1000000"));
  }
  const grpc::Status status = Send("GetModel", bytes);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("at most 4096 bytes"));
}

TEST_F(BadInputTest, AModelNameWithoutEnd) {
  v1::ClassifyRequest request;
  request.add_texts("hello");
  for (int i = 0; i < 100'000; ++i) request.mutable_model()->append("ä");
  const grpc::Status status = Classify(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(),
              AllOf(HasSubstr("ää... (200000 bytes)"), HasSubstr("intent")));
}

// The shipped model has 150 labels; an answer holds as many entries as a request has 16 bytes.
TEST(LabelLimitTest, TheTextsThatMakeTheAnswerTooLargeFail) {
  Options options = TestOptions();
  options.max_message_bytes = 16 * 1000;
  RunningServer running(options);
  v1::ClassifyRequest request;
  for (int i = 0; i < 10; ++i) request.add_texts("play some jazz");
  request.set_top_k(0);
  AsyncClassify call(running.stub(), request);
  ASSERT_TRUE(call.Wait().ok());
  for (int i = 0; i < 10; ++i) {
    const v1::ClassifyResult& result = call.response().results(i);
    if (i < 6) {
      EXPECT_EQ(result.labels_size(), 150);
    } else {
      EXPECT_EQ(result.status().code(), grpc::StatusCode::OUT_OF_RANGE);
      EXPECT_EQ(result.labels_size(), 0);
    }
  }
}

TEST(TokenizeLimitTest, TheTextsThatMakeTheAnswerTooLargeFail) {
  Options options = TestOptions();
  options.max_message_bytes = 16 * 1000;  // and with it 1000 tokens in an answer
  RunningServer running(options);
  v1::TokenizeRequest request;
  for (const int words : {300, 300, 500, 10}) {
    std::string& text = *request.add_texts();
    for (int i = 0; i < words; ++i) text += "a ";
  }
  v1::TokenizeResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(running.stub().Tokenize(&context, request, &response).ok());
  ASSERT_EQ(response.results_size(), 4);
  EXPECT_EQ(response.results(1).ids_size(), 302);
  for (const int failed : {2, 3}) {
    EXPECT_EQ(response.results(failed).ids_size(), 0);
    EXPECT_EQ(response.results(failed).status().code(), 11) << "OUT_OF_RANGE";
    EXPECT_THAT(response.results(failed).status().message(), HasSubstr("the limit is 1000"));
  }
  EXPECT_EQ(running.Metric(R"(synth_failed_texts_total{model="intent"})"), 2);
}

TEST_F(BadInputTest, UnknownModel) {
  v1::ClassifyRequest request;
  request.add_texts("hello");
  request.set_model("nonsense");
  const grpc::Status status = Classify(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("'nonsense'"), HasSubstr("intent")));
}

TEST_F(BadInputTest, AnEmptyTextFailsAlone) {
  v1::ClassifyRequest request;
  request.add_texts("");
  request.add_texts("what is my checking account balance");
  v1::ClassifyResponse response;
  ASSERT_TRUE(Classify(request, &response).ok());
  EXPECT_EQ(response.results(0).status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(response.results(0).status().message(), HasSubstr("empty"));
  EXPECT_EQ(response.results(1).labels(0).name(), "balance");
  EXPECT_EQ(running_.Metric(R"(synth_failed_texts_total{model="intent"})"), 1);
}

TEST_F(BadInputTest, AllTextsBad) {
  v1::ClassifyRequest request;
  request.add_texts("");
  request.add_texts("");
  v1::ClassifyResponse response;
  ASSERT_TRUE(Classify(request, &response).ok());
  EXPECT_TRUE(response.results(0).has_status());
  EXPECT_TRUE(response.results(1).has_status());
}

TEST_F(BadInputTest, ATextOfAMegabyteFailsAlone) {
  v1::ClassifyRequest request;
  request.add_texts(std::string(1 << 20, 'x'));
  request.add_texts("what is my checking account balance");
  v1::ClassifyResponse response;
  ASSERT_TRUE(Classify(request, &response).ok());
  EXPECT_EQ(response.results(0).status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(response.results(0).status().message(),
              AllOf(HasSubstr("1048576"), HasSubstr("262144")));
  EXPECT_EQ(response.results(1).labels(0).name(), "balance");
}

TEST_F(BadInputTest, AMessageBeyondTheLimit) {
  v1::ClassifyRequest request;
  request.add_texts(std::string(17 << 20, 'x'));
  EXPECT_EQ(Classify(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
      << "by gRPC itself";
}

TEST_F(BadInputTest, UnknownEnumValues) {
  v1::ClassifyRequest classify;
  classify.add_texts("hello");
  classify.set_score_type(static_cast<v1::ScoreType>(77));
  grpc::Status status = Classify(classify);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("score_type"), HasSubstr("77")));

  v1::EncodeRequest encode;
  encode.add_texts("hello");
  for (const bool pooling : {true, false}) {
    encode.set_pooling(static_cast<v1::Pooling>(pooling ? -5 : 0));
    encode.set_truncation(static_cast<v1::Truncation>(pooling ? 0 : 1'000'000));
    v1::EncodeResponse response;
    grpc::ClientContext context;
    status = running_.stub().Encode(&context, encode, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr(pooling ? "pooling" : "truncation"));
  }
}

TEST_F(BadInputTest, ATextThatIsNotUtf8FailsAlone) {
  // Written by hand, for protobuf would not: field 2, "ab\xff", then field 2, a good text.
  const std::string good = "what is my checking account balance";
  const std::string bytes = std::string(
                                "\x12\x03"
                                "ab\xff") +
                            "\x12" + static_cast<char>(good.size()) + good;
  std::string answer;
  const grpc::Status status = Send("Classify", bytes, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::ClassifyResponse response;
  ASSERT_TRUE(response.ParseFromString(answer));
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(response.results(0).status().message(),
              AllOf(HasSubstr("not UTF-8"), HasSubstr("offset 2")));
  EXPECT_EQ(response.results(1).labels(0).name(), "balance");
}

TEST_F(BadInputTest, AModelNameThatIsNotUtf8) {
  const grpc::Status status = Send("Classify",
                                   "\x0a\x01\xff\x12\x01"
                                   "a");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("synth.v1.ClassifyRequest"));
}

TEST_F(BadInputTest, BytesThatAreNoMessage) {
  for (const char* method : {"Encode", "Classify", "Tokenize", "GetModel"}) {
    const grpc::Status status = Send(method, "\x12\xff\xff\xff\xff\x0fshort");
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_THAT(status.error_message(), HasSubstr("11 bytes")) << method;
  }
}

TEST_F(BadInputTest, NoiseNeverStopsTheServer) {
  std::mt19937 random(7);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (!bytes.empty() && random() % 2 == 0) bytes[0] = '\x12';
    const grpc::Status status = Send("Classify", bytes);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
                status.error_code() == grpc::StatusCode::NOT_FOUND)
        << status.error_code() << " " << status.error_message();
  }
}

TEST_F(BadInputTest, TextsThatAreHardOnTokenizers) {
  v1::ClassifyRequest request;
  request.add_texts(" \t\n ");
  request.add_texts(std::string("nul\0inside", 10));
  request.add_texts("\xF0\x9F\xA7\xAA\xF0\x9F\xA7\xAA emoji");
  request.add_texts("\xE2\x80\x8B\xEF\xBB\xBF");  // zero-width space, byte order mark
  request.add_texts(std::string(200'000, 'a'));
  v1::ClassifyResponse response;
  ASSERT_TRUE(Classify(request, &response).ok());
  ASSERT_EQ(response.results_size(), 5);
  EXPECT_EQ(response.results(2).labels_size(), 1);
  EXPECT_TRUE(response.results(4).usage().truncated());
}

}  // namespace
}  // namespace synth::server
