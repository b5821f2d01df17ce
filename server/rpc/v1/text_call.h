#ifndef SYNTH_SERVER_RPC_V1_TEXT_CALL_H_
#define SYNTH_SERVER_RPC_V1_TEXT_CALL_H_

#include <google/protobuf/arena.h>
#include <grpc/support/time.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/observe/metrics.h"
#include "server/rpc/call_report.h"
#include "server/rpc/call_services.h"
#include "server/rpc/v1/long_texts.h"
#include "server/rpc/v1/status.h"
#include "server/rpc/v1/validation.h"
#include "server/rpc/v1/wire.h"
#include "server/scheduling/job.h"
#include "synth/model.h"

namespace synth::server {

// One call with texts in flight: the reactor that gRPC talks to, and the group that the scheduler
// answers to. It makes one job per text, submits them, and responds when the last is done.
//
// Threads: gRPC constructs it, parses, validates and submits, and never computes. Lanes fill the
// results and respond. It deletes itself in OnDone, which gRPC calls after the response has been
// handed over.
//
// `Method` says what is particular to Encode, Classify and Tokenize:
//   Request, Response             the messages; Response has results, with a status in each
//   kWork                         how far its jobs go
//   CheckOptions(request, model)  an error of the whole call
//   PoolingOf(request, model)     how the hidden states of a text become one vector
//   FillPooled(model, request, pooled [D], result)      on a lane, for texts that were computed
//   FillDone(model, job, result)  on a lane, for each text that did not fail
//   SetTimings(timings, response)
template <typename Method>
class TextCall final : public grpc::ServerUnaryReactor, private scheduling::JobGroup {
  using Request = typename Method::Request;
  using Response = typename Method::Response;

 public:
  // Takes the call over, and owns itself. gRPC owns the arguments and keeps them until OnDone.
  static grpc::ServerUnaryReactor* Start(CallServices& services, const MethodMetrics& metrics,
                                         grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) {
    auto* call = new TextCall(services, metrics, *context, *response);
    call->Run(*request);
    return call;
  }

 private:
  using Seconds = std::chrono::duration<double>;

  // first_block_ is left as it is: the arena writes before it reads.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  TextCall(CallServices& services, const MethodMetrics& metrics,
           grpc::CallbackServerContext& context, grpc::ByteBuffer& response_bytes)
      : services_(services),
        context_(context),
        response_bytes_(response_bytes),
        report_(metrics, services.refusals),
        arena_(ArenaOver(first_block_)),
        request_(*google::protobuf::Arena::CreateMessage<Request>(&arena_)),
        response_(*google::protobuf::Arena::CreateMessage<Response>(&arena_)) {}
  ~TextCall() override {
    if (is_in_flight_) services_.gate.Leave();
  }

  // --- On a gRPC thread ---

  void Run(const grpc::ByteBuffer& request_bytes) {
    is_in_flight_ = services_.gate.Enter();
    if (!is_in_flight_) return Respond({grpc::StatusCode::UNAVAILABLE, "the server is draining"});
    std::vector<BadText> bad_texts;
    absl::Status status = Read(request_bytes, bad_texts);
    if (!status.ok()) return Respond(ToGrpcStatus(status));
    report_.OnRequest();
    status = Accept();
    if (!status.ok()) return Respond(ToGrpcStatus(status));
    MakeJobs(bad_texts);
    if (jobs_.empty()) return OnAllDone();
    const std::optional<scheduling::Refusal> refusal = model_->scheduler().Submit(*this, jobs_);
    if (refusal) Refuse(*refusal);
    // Otherwise a lane may have responded already, and this call may be gone.
  }

  // Too many texts are refused before they are read: an empty one takes 2 bytes on the wire, and 50
  // in memory.
  absl::Status Read(const grpc::ByteBuffer& bytes, std::vector<BadText>& bad_texts) {
    const std::int64_t texts = CountTexts(bytes);
    const int max_texts = services_.limits.max_texts;
    if (texts > max_texts) return CheckTextCount(texts, max_texts);
    return ParseRequest(bytes, request_, bad_texts);
  }

  // Errors of the whole call.
  absl::Status Accept() {
    absl::StatusOr<ServedModel*> model = services_.repository.Find(request_.model());
    if (!model.ok()) return model.status();
    model_ = *model;
    absl::Status status = CheckTextCount(request_.texts_size(), services_.limits.max_texts);
    if (!status.ok()) return status;
    return Method::CheckOptions(request_, model_->model());
  }

  // Texts that cannot be computed get their status here and no job.
  void MakeJobs(const std::vector<BadText>& bad_texts) {
    const int count = request_.texts_size();
    response_.mutable_results()->Reserve(count);
    for (int i = 0; i < count; ++i) response_.add_results();
    for (const BadText& bad : bad_texts) {
      FailText(bad.index, absl::InvalidArgumentError(absl::StrCat(
                              "the text is not UTF-8: wrong byte at offset ", bad.offset)));
    }
    jobs_.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      if (response_.results(i).has_status()) continue;
      const std::string& text = request_.texts(i);
      const auto index = static_cast<std::size_t>(i);
      if (const absl::Status status = CheckText(text, services_.limits.max_text_bytes);
          !status.ok()) {
        FailText(index, status);
        continue;
      }
      scheduling::Job& job = jobs_.emplace_back();
      job.text = text;
      job.index = index;
    }
    work = Method::kWork;
    if constexpr (Method::kWork == Work::kCompute) {  // no text is too long to be tokenized
      long_texts = LongTextsOf(request_);
      window_overlap = WindowOverlapOf(request_, model_->model());
    }
    deadline = SteadyDeadline();
  }

  void FailText(std::size_t index, const absl::Status& status) {
    ToItemStatus(status, *response_.mutable_results(static_cast<int>(index))->mutable_status());
    ++invalid_texts_;
  }

  void Refuse(const scheduling::Refusal& refusal) {
    const auto pushback = std::chrono::ceil<std::chrono::milliseconds>(refusal.retry_after);
    context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(pushback.count()));
    Respond({grpc::StatusCode::RESOURCE_EXHAUSTED, refusal.message});
  }

  // A deadline may be further away than a clock of nanoseconds counts; beyond a year it is none.
  TimePoint SteadyDeadline() const {
    constexpr std::int64_t kYear = 366LL * 24 * 60 * 60;
    const gpr_timespec left =
        gpr_time_sub(gpr_convert_clock_type(context_.raw_deadline(), GPR_CLOCK_REALTIME),
                     gpr_now(GPR_CLOCK_REALTIME));
    if (left.tv_sec > kYear) return TimePoint::max();
    return Clock::now() + std::chrono::seconds(std::max<std::int64_t>(left.tv_sec, -kYear)) +
           std::chrono::nanoseconds(left.tv_nsec);
  }

  void OnCancel() override { Cancel(); }
  void OnDone() override { delete this; }

  // --- On a lane ---

  void OnHidden(scheduling::Job& job, std::span<const float> hidden) override {
    const Model& model = model_->model();
    std::vector<float> pooled(static_cast<std::size_t>(model.config().hidden_size));
    model.Pool(hidden, Method::PoolingOf(request_, model), pooled);
    if (job.whole != nullptr) {
      job.pooled = std::move(pooled);
    } else {
      FillPooled(job, pooled);
    }
  }

  void FillPooled(const scheduling::Job& job, std::span<float> pooled) {
    Method::FillPooled(model_->model(), request_, pooled,
                       *response_.mutable_results(static_cast<int>(job.index)));
  }

  // All windows of the text are done, or one of them was dropped and gives its status.
  void JoinWindows(scheduling::Job& text) {
    for (const scheduling::Job& window : text.windows) {
      text.status.Update(window.status);
      text.queue_time = std::max(text.queue_time, window.queue_time);
      text.compute_time += window.compute_time;
    }
    if (!text.status.ok()) return;
    std::vector<float> pooled =
        PoolWindows(text.windows, Method::PoolingOf(request_, model_->model()));
    FillPooled(text, pooled);
  }

  // Tokenize answers with what grows with a text: the texts that would make it too much fail.
  void LimitTokens() {
    const std::int64_t limit = services_.limits.max_tokenized();
    std::int64_t tokens = 0;
    for (scheduling::Job& job : jobs_) {
      tokens += static_cast<std::int64_t>(job.token_ids.size());
      if (tokens <= limit || !job.status.ok()) continue;
      job.status = absl::OutOfRangeError(
          absl::StrCat("with this text the answer has ", tokens, " tokens, the limit is ", limit));
      ++invalid_texts_;
    }
  }

  void OnAllDone() override {
    if constexpr (Method::kWork == Work::kTokenize) LimitTokens();
    model_->metrics().OnInvalidTexts(invalid_texts_);
    v1::Timings timings;
    for (scheduling::Job& job : jobs_) {
      if (!job.windows.empty()) JoinWindows(job);
      if (absl::IsCancelled(job.status) || absl::IsDeadlineExceeded(job.status)) {
        return Respond(ToGrpcStatus(job.status));
      }
      auto& result = *response_.mutable_results(static_cast<int>(job.index));
      if (job.status.ok()) {
        Method::FillDone(model_->model(), job, result);
      } else {
        ToItemStatus(job.status, *result.mutable_status());
      }
      timings.set_queue(std::max(timings.queue(), Seconds(job.queue_time).count()));
      timings.set_tokenize(timings.tokenize() + Seconds(job.tokenize_time).count());
      timings.set_compute(timings.compute() + Seconds(job.compute_time).count());
    }
    response_.mutable_model()->set_name(model_->name());
    response_.mutable_model()->set_digest(model_->model().info().digest);
    timings.set_total(Seconds(report_.elapsed()).count());
    Method::SetTimings(timings, response_);
    bool own_buffer = false;
    const grpc::Status status =
        grpc::SerializationTraits<Response>::Serialize(response_, &response_bytes_, &own_buffer);
    Respond(status);
  }

  // --- On either ---

  // The call belongs to gRPC afterwards.
  void Respond(const grpc::Status& status) {
    report_.OnFinish(status);
    Finish(status);
  }

  static google::protobuf::ArenaOptions ArenaOver(std::span<char> block) {
    google::protobuf::ArenaOptions options;
    options.initial_block = block.data();
    options.initial_block_size = block.size();
    return options;
  }

  CallServices& services_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_bytes_;
  const CallReport report_;
  bool is_in_flight_ = false;
  ServedModel* model_ = nullptr;
  std::vector<scheduling::Job> jobs_;
  std::int64_t invalid_texts_ = 0;  // counted in the metrics once the call is answered
  // Room for the messages of a call with a few short texts, without another allocation.
  alignas(8) std::array<char, 2048> first_block_;
  google::protobuf::Arena arena_;
  Request& request_;
  Response& response_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_TEXT_CALL_H_
