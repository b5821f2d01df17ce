#ifndef SYNTH_TESTS_INTEGRATION_SYNTHSERVE_H_
#define SYNTH_TESTS_INTEGRATION_SYNTHSERVE_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/integration/process.h"

namespace synth::server {

// The real program with the shipped model on free ports, which its log names.
class Synthserve {
 public:
  // The folder of the model that it serves.
  static std::string Model();

  // Returns when it serves; throws if it does not. `more_arguments` come last, `environment` holds
  // NAME=VALUE entries.
  explicit Synthserve(std::vector<std::string> more_arguments = {},
                      const std::vector<std::string>& environment = {});

  Process& process() { return process_; }
  // Its address, HOST:PORT.
  std::string Target() const;
  std::shared_ptr<grpc::Channel> Connect() const;

  // One call with `text`.
  grpc::Status Classify(const std::string& text) const;

  // The value of a series, named as in the exposition format; NaN if there is no such series.
  double Metric(const std::string& series) const;

  // Waits until a lane computes.
  void AwaitBusy() const;

  // Bytes that are resident now.
  double ResidentBytes() const;

 private:
  Process process_;
  int port_ = 0;
  int metrics_port_ = 0;
};

}  // namespace synth::server

#endif  // SYNTH_TESTS_INTEGRATION_SYNTHSERVE_H_
