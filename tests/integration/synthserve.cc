#include "tests/integration/synthserve.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "synth/v1/inference.grpc.pb.h"
#include "tests/paths.h"
#include "tests/support/raw_client.h"

namespace synth::server {
namespace {

// `more` replaces what this gives by itself.
std::vector<std::string> Arguments(std::vector<std::string> more) {
  std::vector<std::string> arguments = {paths::SynthserveBinary(), "--log-format", "json"};
  for (const auto& [flag, value] :
       {std::pair<std::string, std::string>("--model", Synthserve::Model()),
        {"--listen", "127.0.0.1:0"},
        {"--metrics-listen", "127.0.0.1:0"}}) {
    if (std::ranges::find(more, flag) == more.end())
      arguments.insert(arguments.end(), {flag, value});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

std::string Synthserve::Model() { return paths::SourcePath("models/intent-clinc150"); }

Synthserve::Synthserve(std::vector<std::string> more_arguments,
                       const std::vector<std::string>& environment)
    : process_(Arguments(std::move(more_arguments)), environment) {
  const std::string line = process_.ReadLineWith("\"serving\"");
  if (line.empty()) throw std::runtime_error("synthserve did not start");
  const nlohmann::json facts = nlohmann::json::parse(line);
  port_ = facts.at("grpc_port");
  metrics_port_ = facts.at("metrics_port");
}

std::string Synthserve::Target() const { return "127.0.0.1:" + std::to_string(port_); }

std::shared_ptr<grpc::Channel> Synthserve::Connect() const {
  return grpc::CreateChannel(Target(), grpc::InsecureChannelCredentials());
}

grpc::Status Synthserve::Classify(const std::string& text) const {
  v1::ClassifyRequest request;
  request.add_texts(text);
  v1::ClassifyResponse response;
  grpc::ClientContext context;
  return v1::Inference::NewStub(Connect())->Classify(&context, request, &response);
}

double Synthserve::Metric(const std::string& series) const {
  std::istringstream lines(HttpGet(metrics_port_, "/metrics"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  }
  return std::numeric_limits<double>::quiet_NaN();
}

void Synthserve::AwaitBusy() const {
  while (Metric("synth_lanes_busy{model=\"intent-clinc150\"}") != 1) {
  }
}

double Synthserve::ResidentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(process_.pid()) + "/statm");
  double pages_in_all = 0;
  double resident_pages = 0;
  statm >> pages_in_all >> resident_pages;
  constexpr double kPage = 4096;
  return resident_pages * kPage;
}

}  // namespace synth::server
