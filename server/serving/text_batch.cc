#include "server/serving/text_batch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/serving/finite.h"
#include "synth/model.h"
#include "synth/postprocess.h"

namespace synth::server {
using scheduling::Job;

TextBatch::TextBatch(std::shared_ptr<ServedModel> model, const Options& options, std::size_t texts,
                     std::function<void()> done)
    : model_(std::move(model)), options_(options), done_(std::move(done)) {
  work = options.work;
  long_texts = options.long_texts;
  window_overlap = options.window_overlap;
  deadline = options.deadline;
  if (!options.query.empty()) shared_text = std::make_unique<scheduling::SharedText>();
  if (!options.prompt.empty()) prompted_.reserve(texts);  // no text moves once it is there
  jobs_.reserve(texts);
  job_of_.reserve(texts);
  failures_.reserve(texts);
}

absl::Status TextBatch::CheckText(const char* name, std::string_view text) const {
  if (text.empty()) return absl::InvalidArgumentError(absl::StrCat(name, " is empty"));
  if (static_cast<std::int64_t>(text.size()) <= options_.max_text_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " has ", text.size(), " bytes, the limit is ", options_.max_text_bytes));
}

void TextBatch::Add(std::string_view text) {
  if (absl::Status status = CheckText("the text", text); !status.ok()) {
    return AddFailed(std::move(status));
  }
  if (!options_.query.empty()) return AddJob(options_.query, text);
  if (options_.prompt.empty()) return AddJob(text, {});
  AddJob(prompted_.emplace_back(std::string(options_.prompt).append(text)), {});
}

void TextBatch::AddPair(std::string_view first, std::string_view second) {
  absl::Status status = CheckText("the text", first);
  status.Update(CheckText("the second text", second));
  if (!status.ok()) return AddFailed(std::move(status));
  AddJob(first, second);
}

void TextBatch::AddJob(std::string_view text, std::string_view second) {
  Job& job = jobs_.emplace_back();
  job.text = text;
  job.second = second;
  job.index = jobs_.size() - 1;
  job_of_.push_back(job.index);
  failures_.emplace_back();
}

void TextBatch::AddFailed(absl::Status status) {
  job_of_.push_back(kNoJob);
  failures_.push_back(std::move(status));
  ++invalid_texts_;
}

std::optional<scheduling::Refusal> TextBatch::Start() {
  if (jobs_.empty()) {
    OnAllDone();
    return std::nullopt;
  }
  if (options_.work == Work::kCompute) {
    width_ = static_cast<std::size_t>(model_->model().config().hidden_size);
    // Not make_unique, which would clear what is written before it is read.
    vectors_.reset(new float[jobs_.size() * width_]);
  }
  return model_->scheduler().Submit(*this, jobs_);
}

std::span<float> TextBatch::VectorOf(const Job& job) {
  return {vectors_.get() + job.index * width_, width_};
}

void TextBatch::OnHidden(Job& job, std::span<const float> hidden) {
  std::span<float> pooled = VectorOf(job);
  if (job.whole != nullptr) {
    job.pooled.resize(width_);
    pooled = job.pooled;
  }
  model_->model().Pool(hidden, options_.pooling, pooled);
}

void TextBatch::JoinWindows(Job& text) {
  for (const Job& window : text.windows) {
    text.status.Update(window.status);
    text.queue_time = std::max(text.queue_time, window.queue_time);
    text.compute_time += window.compute_time;
  }
  if (!text.status.ok()) return;
  std::vector<std::vector<float>> pooled;
  pooled.reserve(text.windows.size());
  for (Job& window : text.windows) pooled.push_back(std::move(window.pooled));
  PoolWindows(pooled, options_.pooling, VectorOf(text));
}

void TextBatch::LimitTokenIds() {
  std::int64_t ids = 0;
  for (Job& job : jobs_) {
    ids += static_cast<std::int64_t>(job.token_ids.size());
    if (ids <= options_.max_token_ids || !job.status.ok()) continue;
    job.status = absl::OutOfRangeError(absl::StrCat(
        "with this text the answer has ", ids, " tokens, the limit is ", options_.max_token_ids));
    ++invalid_texts_;
  }
}

void TextBatch::OnAllDone() {
  if (options_.work == Work::kTokenize) LimitTokenIds();
  for (Job& job : jobs_) {
    if (!job.windows.empty()) JoinWindows(job);
    if (absl::IsCancelled(job.status) || absl::IsDeadlineExceeded(job.status)) {
      status_ = job.status;
      break;
    }
    if (job.status.ok() && width_ != 0) {
      job.status = CheckFinite(VectorOf(job));
      if (!job.status.ok()) ++invalid_texts_;
    }
    timings_.queue = std::max(timings_.queue, job.queue_time);
    timings_.tokenize += job.tokenize_time;
    timings_.compute += job.compute_time;
  }
  model_->metrics().OnInvalidTexts(invalid_texts_);
  // Not a member any more: it may destroy the batch.
  const std::function<void()> done = std::move(done_);
  done();
}

TextResult TextBatch::result(std::size_t index) {
  const std::size_t place = job_of_.at(index);
  if (place == kNoJob) return {.status = failures_.at(index), .vector = {}, .token_ids = {}};
  Job& job = jobs_.at(place);
  TextResult result{.status = job.status, .vector = {}, .token_ids = {}};
  if (!job.status.ok()) return result;
  if (width_ != 0) {
    result.vector = VectorOf(job);
  } else {
    result.token_ids = job.token_ids;
  }
  result.tokens = job.tokens;
  result.original_tokens = job.original_tokens;
  result.windows = job.windows.empty() ? 1 : static_cast<int>(job.windows.size());
  return result;
}

}  // namespace synth::server
