#include "server/rpc/health_probe.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>

#include <memory>
#include <utility>

#include "grpc/health/v1/health.grpc.pb.h"

namespace synth::server {

HealthProbe::HealthProbe(Connect connect, const Options& options)
    : connect_(std::move(connect)),
      options_(options),
      last_good_((Clock::now() - options.patience).time_since_epoch()) {
  Ask();
  thread_ = std::thread([this] { Run(); });
}

HealthProbe::~HealthProbe() {
  {
    const MutexLock lock(mutex_);
    is_stopped_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

bool HealthProbe::is_healthy() const {
  return Clock::now().time_since_epoch() - last_good_.load() < options_.patience;
}

void HealthProbe::Run() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      const TimePoint next = Clock::now() + options_.interval;
      while (!is_stopped_ && mutex_.WaitUntil(wake_, next)) {
      }
      if (is_stopped_) return;
    }
    Ask();
  }
}

void HealthProbe::Ask() {
  absl::StatusOr<FileDescriptor> socket = connect_();
  if (!socket.ok()) return;
  const auto stub = grpc::health::v1::Health::NewStub(
      grpc::CreateInsecureChannelFromFd("localhost", socket->Release()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (status.ok() && response.status() == grpc::health::v1::HealthCheckResponse::SERVING)
    last_good_ = Clock::now().time_since_epoch();
}

}  // namespace synth::server
