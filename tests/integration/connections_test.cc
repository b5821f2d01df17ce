// Clients that open connections without end, or hold them: others are served, and the server is as
// good as new when they leave.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <list>
#include <nlohmann/json.hpp>
#include <string>

#include "synth/v1/inference.grpc.pb.h"
#include "tests/integration/process.h"
#include "tests/integration/running_server.h"
#include "tests/paths.h"
#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The real program, with few descriptors.
class SmallServer {
 public:
  explicit SmallServer(int descriptors)
      : process_({"/bin/sh", "-c",
                  "ulimit -n " + std::to_string(descriptors) + "; exec '" +
                      paths::SynthserveBinary() + "' --model '" +
                      paths::SourcePath("models/intent-clinc150").string() +
                      "' --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --log-format json"}) {
    const nlohmann::json facts = nlohmann::json::parse(process_.ReadLineWith("\"serving\""));
    port_ = facts.at("grpc_port");
    http_port_ = facts.at("metrics_port");
  }

  int port() const { return port_; }
  int http_port() const { return http_port_; }
  Process& process() { return process_; }

  // A call over a new connection, within two seconds.
  grpc::Status Classify() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    const auto stub = v1::Inference::NewStub(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port_), grpc::InsecureChannelCredentials(), arguments));
    v1::ClassifyRequest request;
    request.add_texts("play some jazz");
    v1::ClassifyResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
    return stub->Classify(&context, request, &response);
  }

 private:
  Process process_;
  int port_ = 0;
  int http_port_ = 0;
};

TEST(ConnectionsTest, MoreConnectionsThanDescriptorsDoNoLastingHarm) {
  SmallServer server(64);
  for (int round = 0; round < 2; ++round) {
    {
      std::list<RawClient> clients;
      for (int i = 0; i < 1000; ++i) clients.emplace_back(server.port());
      EXPECT_THAT(HttpGet(server.http_port(), "/healthz"), StartsWith("HTTP/1.1 200 OK"))
          << "a server at its limit is not broken";
    }
    const grpc::Status status = server.Classify();
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  server.process().Signal(SIGTERM);
  EXPECT_EQ(server.process().Wait(), 0);
}

TEST(ConnectionsTest, OneAddressCannotTakeAllConnections) {
  Options options = TestOptions();
  options.listen = "0.0.0.0:0";
  options.max_connections_per_address = 10;
  RunningServer server(options);
  const int port = server.server().grpc_port();
  std::list<RawClient> clients;
  for (int i = 0; i < 30; ++i) clients.emplace_back(port, "127.0.0.1", "127.0.0.2");
  EXPECT_TRUE(RunningServer::Eventually(
      [&] { return server.Metric("synth_connections_refused_total{reason=\"address\"}") == 20; }));
  EXPECT_EQ(server.ClassifyOne("play some jazz"), "play_music");
  EXPECT_GE(server.Metric("synth_connections"), 11);
  clients.clear();
  // The call's own connection, and the probe's while it asks.
  EXPECT_TRUE(RunningServer::Eventually([&] { return server.Metric("synth_connections") <= 2; }));
}

TEST(ConnectionsTest, AnIdleConnectionIsClosed) {
  Options options = TestOptions();
  options.max_connection_idle = std::chrono::milliseconds(200);
  RunningServer server(options);
  const RawClient client(server.server().grpc_port());
  client.Send(Http2Greeting());
  EXPECT_THAT(client.ReceiveAll(), HasSubstr("enter idle")) << "and then the end";
  EXPECT_EQ(server.ClassifyOne("play some jazz"), "play_music");
}

TEST(ConnectionsTest, StreamsOfAConnectionAndMetadataAreBoundedAndAnnounced) {
  RunningServer server;
  const RawClient client(server.server().grpc_port());
  client.Send(Http2Greeting());
  const std::string settings = client.Receive();
  EXPECT_THAT(settings, HasSubstr(std::string("\0\x03\0\0\0\x80", 6))) << "128 streams";
  EXPECT_THAT(settings, HasSubstr(std::string("\0\x06\0\x02\0\0", 6))) << "128 KiB of metadata";
}

TEST(ConnectionsTest, LargeMetadataFailsNobody) {
  RunningServer server;
  v1::ClassifyRequest request;
  request.add_texts("play some jazz");
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  context.AddMetadata("cookie", std::string(1 << 16, 'c'));
  const grpc::Status status = server.stub().Classify(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(ConnectionsTest, CompressedRequestsAreRefusedBeforeTheyAreInflated) {
  RunningServer server;
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    v1::ClassifyRequest request;
    request.add_texts(std::string(1 << 16, 'a'));
    v1::ClassifyResponse response;
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    const grpc::Status status = server.stub().Classify(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
  }
  EXPECT_EQ(server.ClassifyOne("play some jazz"), "play_music");
}

TEST(ConnectionsTest, APortInUseIsOneLineWithTheReason) {
  RunningServer first;
  Options options = TestOptions();
  options.listen = "127.0.0.1:" + std::to_string(first.server().grpc_port());
  const absl::Status grpc = Server::Start(options).status();
  EXPECT_EQ(grpc.message(),
            "--listen: cannot listen on " + options.listen + ": Address already in use");
  options = TestOptions();
  options.metrics_listen = "127.0.0.1:" + std::to_string(first.server().metrics_port());
  const absl::Status http = Server::Start(options).status();
  EXPECT_EQ(http.message(), "--metrics-listen: cannot listen on " + options.metrics_listen +
                                ": Address already in use");
}

}  // namespace
}  // namespace synth::server
