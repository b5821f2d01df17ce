#ifndef SYNTH_TESTS_INTEGRATION_RUNNING_SERVER_H_
#define SYNTH_TESTS_INTEGRATION_RUNNING_SERVER_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/options.h"
#include "server/server.h"
#include "synth/v1/inference.grpc.pb.h"
#include "tests/integration/long_request.h"  // IWYU pragma: export

namespace synth::server {

// The shipped model on free loopback ports, with `lanes` 1 unless told otherwise.
Options TestOptions();

// A server that runs in this process, and a channel to it.
class RunningServer {
 public:
  explicit RunningServer(const Options& options = TestOptions());

  v1::Inference::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  Server& server() { return *server_; }
  const Server& server() const { return *server_; }

  // The value of a series, named as in the exposition format: name{label="value",...} with the
  // labels in the order of their names. NaN where there is no such series.
  double Metric(const std::string& series) const;

  // Waits until `condition` holds; false after 20 seconds.
  static bool Eventually(const std::function<bool()>& condition);

  // A call that must succeed, to show that the server is in order.
  std::string ClassifyOne(const std::string& text);

 private:
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Inference::Stub> stub_;
};

// A client-side call in flight, awaited with Wait.
class AsyncClassify {
 public:
  AsyncClassify(v1::Inference::Stub& stub, const v1::ClassifyRequest& request,
                std::chrono::system_clock::time_point deadline =
                    std::chrono::system_clock::time_point::max());
  AsyncClassify(const AsyncClassify&) = delete;
  AsyncClassify& operator=(const AsyncClassify&) = delete;
  ~AsyncClassify();

  void Cancel() { context_.TryCancel(); }
  const grpc::Status& Wait();
  bool done() const;
  const v1::ClassifyResponse& response() const { return response_; }
  // After Wait: a trailer's value, or an empty text.
  std::string Trailer(const std::string& key) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  v1::ClassifyRequest request_;
  v1::ClassifyResponse response_;
  grpc::ClientContext context_;
};

}  // namespace synth::server

#endif  // SYNTH_TESTS_INTEGRATION_RUNNING_SERVER_H_
