#include "tests/integration/running_server.h"
#include "tests/paths.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

namespace synth::server {

Options TestOptions() {
  Options options;
  options.models = {{.name = "intent", .folder = paths::SourcePath("models/intent-clinc150")}};
  options.listen = "127.0.0.1:0";
  options.metrics_listen = "127.0.0.1:0";
  options.lanes = 1;
  return options;
}

RunningServer::RunningServer(const Options& options) {
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(options);
  if (!server.ok()) throw std::runtime_error(std::string(server.status().message()));
  server_ = *std::move(server);
  channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->grpc_port()),
                                 grpc::InsecureChannelCredentials());
  stub_ = v1::Inference::NewStub(channel_);
}

double RunningServer::Metric(const std::string& series) const {
  std::istringstream lines(server_->Scrape());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

bool RunningServer::Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string RunningServer::ClassifyOne(const std::string& text) {
  v1::ClassifyRequest request;
  request.add_texts(text);
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub_->Classify(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  if (response.results_size() != 1 || response.results(0).labels_size() != 1) return "";
  return response.results(0).labels(0).name();
}

struct AsyncClassify::State {
  mutable std::mutex mutex;
  std::condition_variable changed;
  std::optional<grpc::Status> status;
};

AsyncClassify::AsyncClassify(v1::Inference::Stub& stub, const v1::ClassifyRequest& request,
                             std::chrono::system_clock::time_point deadline)
    : state_(std::make_unique<State>()), request_(request) {
  context_.set_deadline(deadline);
  stub.async()->Classify(&context_, &request_, &response_,
                         [state = state_.get()](const grpc::Status& status) {
                           const std::lock_guard lock(state->mutex);
                           state->status = status;
                           state->changed.notify_all();
                         });
}

AsyncClassify::~AsyncClassify() {
  Cancel();
  Wait();
}

const grpc::Status& AsyncClassify::Wait() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->status.has_value(); });
  return *state_->status;
}

bool AsyncClassify::done() const {
  const std::lock_guard lock(state_->mutex);
  return state_->status.has_value();
}

std::string AsyncClassify::Trailer(const std::string& key) const {
  const auto& trailers = context_.GetServerTrailingMetadata();
  const auto entry = trailers.find(key);
  return entry == trailers.end() ? "" : std::string(entry->second.data(), entry->second.size());
}

}  // namespace synth::server
