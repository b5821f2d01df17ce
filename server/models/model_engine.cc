#include "server/models/model_engine.h"

#include <algorithm>
#include <cstddef>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/base/out_of_memory.h"

namespace synth::server {

using scheduling::Job;
using scheduling::JobGroup;

ModelEngine::ModelEngine(const Model& model, int lanes, LaneHelpers& helpers)
    : model_(model), helpers_(helpers) {
  for (WorkspacePtr& workspace : model.MakeWorkspaces(lanes))
    lanes_.push_back(
        {.workspace = std::move(workspace), .token_ids = {}, .offsets = {}, .first_segments = {}});
}

int ModelEngine::PredictTokens(const Job& job) const {
  // English text has about four bytes a token; 3 errs on the side of too many.
  const auto guess = static_cast<int>((job.text.size() + job.second.size()) / 3 + 2);
  const int longest = model_.max_text_tokens();
  if (guess <= longest || job.group->long_texts != JobGroup::LongTexts::kWindows)
    return std::min(guess, longest);
  // Tokens that two windows share are computed twice.
  const int room = longest - model_.tokenizer()->special_tokens();
  return static_cast<int>(std::int64_t{guess} * longest / (room - job.group->window_overlap));
}

absl::Status ModelEngine::Tokenize(Job& job) {
  return CatchOutOfMemory("tokenize", [&] { return TokenizeWithMemory(job); });
}

absl::Status ModelEngine::TokenizeWithMemory(Job& job) {
  absl::StatusOr<std::vector<std::int32_t>> ids = TokenizeFirst(job);
  if (!ids.ok()) return ids.status();
  if (!job.second.empty()) return TokenizePair(*ids, job);
  if (ids->empty()) return absl::InvalidArgumentError("the text has no tokens");
  job.token_ids = *std::move(ids);
  job.original_tokens = static_cast<int>(job.token_ids.size());
  const int longest = model_.max_text_tokens();
  if (job.group->work == JobGroup::Work::kCompute && job.original_tokens > longest) {
    switch (job.group->long_texts) {
      case JobGroup::LongTexts::kFail:
        return TooLong(job);
      case JobGroup::LongTexts::kTruncate:
        model_.tokenizer()->Truncate(job.token_ids, longest);
        // A text may have a thousand times as many, and waits in the queue.
        job.token_ids.shrink_to_fit();
        break;
      case JobGroup::LongTexts::kWindows:
        MakeWindows(job);
        return absl::OkStatus();
    }
  }
  job.tokens = static_cast<int>(job.token_ids.size());
  job.first_segment = job.tokens;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::int32_t>> ModelEngine::TokenizeFirst(const Job& job) {
  scheduling::SharedText* const shared = job.group->shared_text.get();
  if (shared == nullptr) return model_.tokenizer()->Encode(job.text);
  std::call_once(shared->once, [&] {
    absl::StatusOr<std::vector<std::int32_t>> ids = model_.tokenizer()->Encode(job.text);
    shared->status = ids.status();
    if (ids.ok()) shared->token_ids = *std::move(ids);
  });
  if (!shared->status.ok()) return shared->status;
  return shared->token_ids;
}

absl::Status ModelEngine::TokenizePair(const std::vector<std::int32_t>& first, Job& job) {
  const absl::StatusOr<std::vector<std::int32_t>> second = model_.tokenizer()->Encode(job.second);
  if (!second.ok()) {
    return {second.status().code(), absl::StrCat("the second text: ", second.status().message())};
  }
  const int longest = model_.max_text_tokens();
  TokenPair pair = model_.tokenizer()->Join(first, *second, longest);
  job.original_tokens = pair.original_tokens;
  if (job.original_tokens > longest && job.group->long_texts == JobGroup::LongTexts::kFail) {
    return TooLong(job);
  }
  job.token_ids = std::move(pair.ids);
  job.tokens = static_cast<int>(job.token_ids.size());
  job.first_segment = pair.first_segment;
  return absl::OkStatus();
}

absl::Status ModelEngine::TooLong(const Job& job) const {
  return absl::OutOfRangeError(
      absl::StrFormat("the text has %d tokens, the model takes %d, and truncation is off",
                      job.original_tokens, model_.max_text_tokens()));
}

void ModelEngine::MakeWindows(Job& job) const {
  std::vector<std::vector<std::int32_t>> windows = model_.tokenizer()->Windows(
      job.token_ids, model_.max_text_tokens(), job.group->window_overlap);
  job.token_ids = {};
  job.windows.resize(windows.size());
  job.tokens = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    job.windows[i].token_ids = std::move(windows[i]);
    job.windows[i].tokens = static_cast<int>(job.windows[i].token_ids.size());
    job.windows[i].first_segment = job.windows[i].tokens;
    job.tokens += job.windows[i].tokens;
  }
}

void ModelEngine::Compute(std::span<Job* const> batch, int lane_index) {
  Lane& lane = lanes_.at(static_cast<std::size_t>(lane_index));
  std::span<const float> hidden;
  const absl::Status status = CatchOutOfMemory("compute", [&] {
    hidden = Forward(batch, lane);
    return absl::OkStatus();
  });
  if (!status.ok()) {
    for (Job* job : batch) job->status = status;
    return;
  }
  const auto width = static_cast<std::size_t>(model_.config().hidden_size);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto begin = static_cast<std::size_t>(lane.offsets[i]);
    const auto end = static_cast<std::size_t>(lane.offsets[i + 1]);
    Job& job = *batch[i];
    job.status = CatchOutOfMemory("results", [&] {
      job.group->OnHidden(job, hidden.subspan(begin * width, (end - begin) * width));
      return job.status;
    });
  }
}

std::span<const float> ModelEngine::Forward(std::span<Job* const> batch, Lane& lane) {
  lane.token_ids.clear();
  lane.offsets.assign(1, 0);
  lane.first_segments.clear();
  for (const Job* job : batch) {
    lane.first_segments.push_back(job->first_segment);
    lane.token_ids.insert(lane.token_ids.end(), job->token_ids.begin(), job->token_ids.end());
    lane.offsets.push_back(static_cast<std::int32_t>(lane.token_ids.size()));
  }
  const LaneHelpers::Busy busy(helpers_);
  return model_.Forward(
      {.token_ids = lane.token_ids, .offsets = lane.offsets, .first_segments = lane.first_segments},
      *lane.workspace, &helpers_);
}

void ModelEngine::WarmUp(int max_batch_tokens) {
  const int longest = model_.max_text_tokens();
  const int most = std::max(longest, max_batch_tokens);
  const auto warm_up = [&](std::size_t i) {
    lanes_[i].offsets.reserve(static_cast<std::size_t>(most) + 1);
    lanes_[i].first_segments.reserve(static_cast<std::size_t>(most));
    RunOnce(most, longest, lanes_[i], static_cast<int>(i));
  };
  // A lane for which no thread can be started is warmed up by get(), on this one.
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < lanes_.size(); ++i) others.push_back(std::async(warm_up, i));
  warm_up(0);
  for (std::future<void>& other : others) other.get();
  for (int length = longest; length > 1;) {
    length = (length + 1) / 2;
    RunOnce(length, length, lanes_.front(), 0);
  }
}

void ModelEngine::RunOnce(int tokens, int length, Lane& lane, int thread) {
  lane.token_ids.assign(static_cast<std::size_t>(tokens), 0);
  lane.offsets.assign(1, 0);
  while (lane.offsets.back() < tokens) {
    lane.offsets.push_back(std::min(lane.offsets.back() + length, tokens));
  }
  OneThread alone(helpers_.max_threads(), thread);
  model_.Forward({.token_ids = lane.token_ids, .offsets = lane.offsets}, *lane.workspace, &alone);
}

}  // namespace synth::server
