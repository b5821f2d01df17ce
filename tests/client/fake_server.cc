#include "fake_server.h"

#include <gtest/gtest.h>
#include <algorithm>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"

namespace synth::client {

FakeServer::FakeServer() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  target_ = absl::StrCat("127.0.0.1:", port);
}

FakeServer::~FakeServer() {
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}

void FakeServer::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

std::unique_ptr<Client> FakeServer::Connect(ClientOptions options) const {
  options.target = target_;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

void FakeServer::AnswerWithLengths(const v1::EncodeRequest& request, v1::EncodeResponse& response) {
  for (const std::string& text : request.texts()) {
    v1::EncodeResult& result = *response.add_results();
    if (text.empty()) {
      result.mutable_status()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
      result.mutable_status()->set_message("the text is empty");
      continue;
    }
    result.add_embedding(static_cast<float>(text.size()));
    result.add_embedding(static_cast<float>(text[0]));
    result.mutable_usage()->set_tokens(static_cast<uint32_t>(text.size()));
  }
}

grpc::Status FakeServer::Encode(grpc::ServerContext* context, const v1::EncodeRequest* request,
                                v1::EncodeResponse* response) {
  if (encode) return encode(*context, *request, *response);
  AnswerWithLengths(*request, *response);
  return grpc::Status::OK;
}

grpc::Status FakeServer::Classify(grpc::ServerContext* context, const v1::ClassifyRequest* request,
                                  v1::ClassifyResponse* response) {
  if (classify) return classify(*context, *request, *response);
  constexpr size_t kLong = 4;
  for (const std::string& text : request->texts()) {
    v1::ClassifyResult& result = *response->add_results();
    if (text.empty()) {
      result.mutable_status()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
      result.mutable_status()->set_message("the text is empty");
      continue;
    }
    v1::Label& label = *result.add_labels();
    label.set_name(text.size() >= kLong ? "long" : "short");
    label.set_score(0.75F);
    result.mutable_usage()->set_tokens(static_cast<uint32_t>(text.size()));
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::Rerank(grpc::ServerContext* context, const v1::RerankRequest* request,
                                v1::RerankResponse* response) {
  if (rerank) return rerank(*context, *request, *response);
  auto& results = *response->mutable_results();
  for (int i = 0; i < request->texts_size(); ++i) {
    v1::RerankResult& result = *results.Add();
    result.set_index(static_cast<uint32_t>(i));
    result.set_score(static_cast<float>(request->texts(i).size()));
    if (!request->texts(i).empty()) continue;
    result.mutable_status()->set_code(grpc::StatusCode::INVALID_ARGUMENT);
    result.mutable_status()->set_message("the text is empty");
  }
  std::ranges::stable_sort(results,
                           [](const auto& a, const auto& b) { return a.score() > b.score(); });
  return grpc::Status::OK;
}

grpc::Status FakeServer::Tokenize(grpc::ServerContext* /*context*/,
                                  const v1::TokenizeRequest* request,
                                  v1::TokenizeResponse* response) {
  for (const std::string& text : request->texts()) {
    v1::TokenizeResult& result = *response->add_results();
    for (const char c : text) {
      result.add_ids(static_cast<uint8_t>(c));
      result.add_pieces(std::string(1, c));
    }
  }
  return grpc::Status::OK;
}

grpc::Status FakeServer::GetModel(grpc::ServerContext* /*context*/,
                                  const v1::GetModelRequest* request,
                                  v1::GetModelResponse* response) {
  if (!request->model().empty() && request->model() != "fake") {
    return {grpc::StatusCode::NOT_FOUND, "no model of that name"};
  }
  response->mutable_model()->set_name("fake");
  response->mutable_model()->set_digest("0123456789abcdef");
  response->set_config_json(R"({"hidden_size": 2})");
  response->add_labels("long");
  response->add_labels("short");
  *response->mutable_limits() = limits;
  response->set_server_version("0.0.0");
  response->set_precision("bf16");
  response->set_instruction_set("v4");
  return grpc::Status::OK;
}

}  // namespace synth::client
