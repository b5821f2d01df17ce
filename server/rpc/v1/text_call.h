#ifndef SYNTH_SERVER_RPC_V1_TEXT_CALL_H_
#define SYNTH_SERVER_RPC_V1_TEXT_CALL_H_

#include <google/protobuf/arena.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "server/base/mutex.h"
#include "server/base/out_of_memory.h"
#include "server/models/served_model.h"
#include "server/observe/metrics.h"
#include "server/rpc/call_scope.h"
#include "server/rpc/call_services.h"
#include "server/rpc/deadline.h"
#include "server/rpc/v1/serialize.h"
#include "server/rpc/v1/status.h"
#include "server/rpc/v1/validation.h"
#include "server/rpc/v1/wire.h"
#include "server/serving/text_batch.h"
#include "synth/model.h"

namespace synth::server {

// What is particular to Encode, Classify, Rerank and Tokenize: how a request becomes options, and
// how the result of a text is written.
//   MakeOptions(request, model)  an error is one of the whole call
//   EntriesOf(model, request, text)  labels that Write would write; an answer has a bounded number
//   Write(model, request, text, result)  writes a text that did not fail, or fails and writes
//   nothing Complete(request, timings, response)  after the results of all texts
template <typename M>
concept TextMethod = requires(
    const Model& model, const typename M::Request& request, const TextResult& text,
    std::remove_cvref_t<decltype(*std::declval<typename M::Response>().mutable_results(0))>& result,
    const v1::Timings& timings, typename M::Response& response) {
  { M::MakeOptions(request, model) } -> std::same_as<absl::StatusOr<TextBatch::Options>>;
  { M::EntriesOf(model, request, text) } -> std::same_as<std::int64_t>;
  { M::Write(model, request, text, result) } -> std::same_as<absl::Status>;
  M::Complete(request, timings, response);
};

// One unary call with texts in flight: the reactor that gRPC talks to. It parses and validates,
// hands the texts to a TextBatch, and writes what comes back.
//
// Threads: gRPC constructs it, parses, validates and submits, and never computes. The lane that
// finishes the last text writes the answer. It deletes itself in OnDone, which gRPC calls after the
// response has been handed over.
template <TextMethod Method>
class TextCall final : public grpc::ServerUnaryReactor {
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
  // The messages of the call, on one arena, and its texts. Freed as soon as the response is
  // serialized: a client may take its time to read that.
  struct Work {
    // first_block is left as it is: the arena writes before it reads.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
    Work() : arena(ArenaOver(first_block)) {}

    static google::protobuf::ArenaOptions ArenaOver(std::span<char> block) {
      google::protobuf::ArenaOptions options;
      options.initial_block = block.data();
      options.initial_block_size = block.size();
      return options;
    }

    // Room for the messages of a call with a few short texts, without another allocation.
    alignas(8) std::array<char, 2048> first_block;
    google::protobuf::Arena arena;
    Request& request = *google::protobuf::Arena::CreateMessage<Request>(&arena);
    Response& response = *google::protobuf::Arena::CreateMessage<Response>(&arena);
    std::optional<TextBatch> batch;
  };

  TextCall(CallServices& services, const MethodMetrics& metrics,
           grpc::CallbackServerContext& context, grpc::ByteBuffer& response_bytes)
      : services_(services),
        context_(context),
        response_bytes_(response_bytes),
        scope_(services, metrics, context) {}

  // --- On a gRPC thread ---

  void Run(const grpc::ByteBuffer& request_bytes) {
    if (!scope_.Enter()) return Respond({grpc::StatusCode::UNAVAILABLE, "the server is draining"});
    const absl::Status status = CatchOutOfMemory("call", [&] { return Submit(request_bytes); });
    if (!status.ok()) Respond(ToGrpcStatus(status));
    // Otherwise a lane may have responded already, and this call may be gone.
  }

  absl::Status Submit(const grpc::ByteBuffer& request_bytes) {
    if (!request_bytes.Valid()) return scope_.NoMessage();
    work_ = std::make_unique<Work>();
    std::vector<BadText> bad_texts;
    absl::Status status = Read(request_bytes, bad_texts);
    if (!status.ok()) return status;
    scope_.OnRequest();
    absl::StatusOr<std::shared_ptr<ServedModel>> model =
        services_.repository.Find(work_->request.model());
    if (!model.ok()) return model.status();
    status = CheckTextCount(work_->request.texts_size(), services_.limits.max_texts);
    if (!status.ok()) return status;
    absl::StatusOr<TextBatch::Options> options =
        Method::MakeOptions(work_->request, (*model)->model());
    if (!options.ok()) return options.status();
    status = CheckQuerySize(options->query.size(), services_.limits.max_text_bytes);
    if (!status.ok()) return status;
    options->deadline = SteadyDeadline(context_);
    options->max_text_bytes = services_.limits.max_text_bytes;
    options->max_token_ids = services_.limits.max_entries();
    AddTexts(*std::move(model), *options, bad_texts);
    if (!LetCancel()) return absl::CancelledError("the client went away");
    const std::optional<scheduling::Refusal> refusal = work_->batch->Start();
    if (!refusal) return absl::OkStatus();
    const auto pushback = std::chrono::ceil<std::chrono::milliseconds>(refusal->retry_after);
    context_.AddTrailingMetadata("grpc-retry-pushback-ms", std::to_string(pushback.count()));
    return absl::ResourceExhaustedError(refusal->message);
  }

  // Too many texts are refused before they are read: an empty one takes 2 bytes on the wire, and 50
  // in memory.
  absl::Status Read(const grpc::ByteBuffer& bytes, std::vector<BadText>& bad_texts) {
    const FieldCounts counts = CountFields(bytes);
    const int max_texts = services_.limits.max_texts;
    if (counts.texts > max_texts) return CheckTextCount(counts.texts, max_texts);
    absl::Status status = CheckPairCount(counts.text_pairs, counts.texts);
    status.Update(CheckFieldCount(counts.others));
    if (!status.ok()) return status;
    return ParseRequest(bytes, work_->request, bad_texts);
  }

  void AddTexts(std::shared_ptr<ServedModel> model, const TextBatch::Options& options,
                std::vector<BadText>& bad_texts) {
    const int count = work_->request.texts_size();
    work_->batch.emplace(std::move(model), options, static_cast<std::size_t>(count),
                         [this] { OnTextsDone(); });
    std::ranges::stable_sort(bad_texts, {}, &BadText::index);
    auto bad = bad_texts.begin();
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(i);
      while (bad != bad_texts.end() && bad->index < index) ++bad;  // the second of a bad pair
      if (bad == bad_texts.end() || bad->index != index) {
        AddText(i);
        continue;
      }
      const char* name = bad->field == TextField::kTexts ? "the text" : "the second text";
      work_->batch->AddFailed(absl::InvalidArgumentError(
          absl::StrCat(name, " is not UTF-8: wrong byte at offset ", bad->offset)));
    }
  }

  void AddText(int i) {
    if constexpr (requires { work_->request.text_pairs(i); }) {
      if (!work_->request.text_pairs().empty()) {
        return work_->batch->AddPair(work_->request.texts(i), work_->request.text_pairs(i));
      }
    }
    work_->batch->Add(work_->request.texts(i));
  }

  // Lets OnCancel, which may come at any time, cancel the batch. False if it has come already.
  bool LetCancel() {
    const MutexLock lock(mutex_);
    if (is_cancelled_) return false;
    cancellable_ = &*work_->batch;
    return true;
  }

  void OnCancel() override {
    const MutexLock lock(mutex_);
    is_cancelled_ = true;
    if (cancellable_ != nullptr) cancellable_->Cancel();
  }

  void OnDone() override { delete this; }

  // --- On a lane ---

  void OnTextsDone() {
    Respond(ToGrpcStatus(CatchOutOfMemory("answer", [&] { return Answer(*work_->batch); })));
  }

  absl::Status Answer(TextBatch& batch) {
    if (!batch.status().ok()) return batch.status();
    using Seconds = std::chrono::duration<double>;
    Response& response = work_->response;
    const Model& model = batch.model().model();
    const int count = static_cast<int>(batch.size());
    response.mutable_results()->Reserve(count);
    const std::int64_t limit = services_.limits.max_entries();
    std::int64_t entries = 0;
    for (int i = 0; i < count; ++i) {
      auto& result = *response.add_results();
      const TextResult text = batch.result(static_cast<std::size_t>(i));
      if (!text.status.ok()) {
        ToItemStatus(text.status, *result.mutable_status());
        continue;
      }
      entries += Method::EntriesOf(model, work_->request, text);
      if (entries > limit) {
        ToItemStatus(absl::OutOfRangeError(absl::StrCat("with this text the answer has ", entries,
                                                        " labels, the limit is ", limit)),
                     *result.mutable_status());
        continue;
      }
      const absl::Status status = Method::Write(model, work_->request, text, result);
      if (!status.ok()) ToItemStatus(status, *result.mutable_status());
    }
    response.mutable_model()->set_name(batch.model().name());
    response.mutable_model()->set_digest(model.info().digest);
    v1::Timings timings;
    timings.set_queue(Seconds(batch.timings().queue).count());
    timings.set_tokenize(Seconds(batch.timings().tokenize).count());
    timings.set_compute(Seconds(batch.timings().compute).count());
    timings.set_total(Seconds(scope_.elapsed()).count());
    Method::Complete(work_->request, timings, response);
    return Serialize(response, response_bytes_);
  }

  // --- On either ---

  // The call belongs to gRPC afterwards.
  void Respond(const grpc::Status& status) {
    {
      const MutexLock lock(mutex_);
      cancellable_ = nullptr;
    }
    work_.reset();
    Finish(scope_.Finish(status, response_bytes_));
  }

  CallServices& services_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_bytes_;
  CallScope scope_;
  std::unique_ptr<Work> work_;
  Mutex mutex_;
  bool is_cancelled_ SYNTH_GUARDED_BY(mutex_) = false;
  TextBatch* cancellable_ SYNTH_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_RPC_V1_TEXT_CALL_H_
