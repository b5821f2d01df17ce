#ifndef SYNTH_TESTS_CLIENT_FAKE_SERVER_H_
#define SYNTH_TESTS_CLIENT_FAKE_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "synth/client/client.h"
#include "synth/v1/inference.grpc.pb.h"

namespace synth::client {

// A server of synth.v1.Inference on a loopback port, whose methods the test writes. Handlers run on
// threads of gRPC, many at once, and may block. Set them before the first call.
class FakeServer : private v1::Inference::Service {
 public:
  template <typename Request, typename Response>
  using Handler =
      std::function<grpc::Status(grpc::ServerContext& context, const Request&, Response&)>;

  FakeServer();
  // Gives handlers that wait for their cancellation up to a second.
  ~FakeServer() override;

  // Without a handler: as AnswerWithLengths.
  Handler<v1::EncodeRequest, v1::EncodeResponse> encode;
  // Without a handler: the label "long" (more than 3 bytes) or "short"; an empty text fails.
  Handler<v1::ClassifyRequest, v1::ClassifyResponse> classify;
  // Without a handler: a text's score is its length; an empty text fails.
  Handler<v1::RerankRequest, v1::RerankResponse> rerank;

  // What GetModel tells; none unless set.
  v1::Limits limits;

  const std::string& Target() const { return target_; }
  // Tells health checks whether the server is SERVING; it is from the start.
  void SetServing(bool serving);
  std::unique_ptr<Client> Connect(ClientOptions options = {}) const;

  // Each text's vector is [its length, its first byte]; an empty text fails with INVALID_ARGUMENT.
  static void AnswerWithLengths(const v1::EncodeRequest& request, v1::EncodeResponse& response);

 private:
  grpc::Status Encode(grpc::ServerContext* context, const v1::EncodeRequest* request,
                      v1::EncodeResponse* response) override;
  grpc::Status Classify(grpc::ServerContext* context, const v1::ClassifyRequest* request,
                        v1::ClassifyResponse* response) override;
  grpc::Status Rerank(grpc::ServerContext* context, const v1::RerankRequest* request,
                      v1::RerankResponse* response) override;
  grpc::Status Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                        v1::TokenizeResponse* response) override;
  grpc::Status GetModel(grpc::ServerContext* context, const v1::GetModelRequest* request,
                        v1::GetModelResponse* response) override;

  std::unique_ptr<grpc::Server> server_;
  std::string target_;
};

}  // namespace synth::client

#endif  // SYNTH_TESTS_CLIENT_FAKE_SERVER_H_
