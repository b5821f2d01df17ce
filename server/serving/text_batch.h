#ifndef SYNTH_SERVER_SERVING_TEXT_BATCH_H_
#define SYNTH_SERVER_SERVING_TEXT_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "server/base/clock.h"
#include "server/base/defaults.h"
#include "server/models/served_model.h"
#include "server/scheduling/admission.h"
#include "server/scheduling/job.h"
#include "synth/config.h"

namespace synth::server {

// What became of one text. Spans are valid as long as the batch.
struct TextResult {
  const absl::Status& status;               // not OK: the text failed, and the rest is empty
  std::span<float> vector;                  // [D], pooled; empty if the texts are only tokenized
  std::span<const std::int32_t> token_ids;  // [tokens] if the texts are only tokenized
  int tokens = 0;                           // computed, over all windows; special tokens included
  int original_tokens = 0;                  // before truncation
  int windows = 1;
};

// The texts of one call on their way through a model, apart from any protocol: texts and options
// in, a status and a vector (or token ids) for each text out, and one callback when all are done.
//
//   TextBatch batch(model, {.pooling = Pooling::kMean}, [&] { answer(); });
//   batch.Add("book a table for two");
//   if (auto refusal = batch.Start()) return Refuse(*refusal);
//
// Threads: one thread adds and starts. `done` runs once, on a lane or inside Start, and may destroy
// the batch. Read results from `done` on, on one thread at a time.
class TextBatch final : private scheduling::JobGroup {
 public:
  using JobGroup::LongTexts;
  using JobGroup::Work;

  struct Options {
    Work work = Work::kCompute;  // kTokenize stops at the token ids
    Pooling pooling = Pooling::kMean;
    LongTexts long_texts = LongTexts::kTruncate;
    int window_overlap = 0;     // tokens, with kWindows
    std::string_view prompt{};  // put before each text; must outlive the batch
    // Not empty: each text is the second of a pair, and this the first. Must outlive the batch.
    std::string_view query{};
    TimePoint deadline = TimePoint::max();
    std::int64_t max_text_bytes = defaults::kMaxTextBytes;  // a longer text fails
    // With kTokenize: token ids of all texts together. The texts beyond fail with OUT_OF_RANGE.
    std::int64_t max_token_ids = 262'144;
  };

  // Sums and maxima over the texts.
  struct Timings {
    Duration queue{};     // the longest time that a text waited for a lane
    Duration tokenize{};  // summed over the texts
    Duration compute{};   // summed: each text's share of its batch's time
  };

  TextBatch(std::shared_ptr<ServedModel> model, const Options& options, std::size_t texts,
            std::function<void()> done);
  TextBatch(const TextBatch&) = delete;
  TextBatch& operator=(const TextBatch&) = delete;

  // The next text, which must outlive the batch. An empty or too long one fails alone, whatever the
  // prompt.
  void Add(std::string_view text);
  // The next pair of texts, for a model whose tokenizer takes pairs; the same holds for both.
  void AddPair(std::string_view first, std::string_view second);
  // The next text, which failed before it came here.
  void AddFailed(absl::Status status);

  // Submits the texts, or refuses all of them; `done` is not called for a refused batch. If no text
  // can be computed, `done` runs before this returns. Afterwards the batch may be gone.
  std::optional<scheduling::Refusal> Start();

  // From any thread: texts that are not yet computed are dropped.
  using JobGroup::Cancel;

  // --- Once all are done ---

  // CANCELLED or DEADLINE_EXCEEDED if texts were dropped: then the call has no answer.
  const absl::Status& status() const { return status_; }
  std::size_t size() const { return failures_.size(); }
  // The text that was added as number `index`.
  TextResult result(std::size_t index);
  Timings timings() const { return timings_; }
  ServedModel& model() const { return *model_; }

 private:
  void OnHidden(scheduling::Job& job, std::span<const float> hidden) override;
  void OnAllDone() override;
  void JoinWindows(scheduling::Job& text);
  void LimitTokenIds();
  // INVALID_ARGUMENT if the text is empty or too long. `name` is what the error calls it.
  absl::Status CheckText(const char* name, std::string_view text) const;
  void AddJob(std::string_view text, std::string_view second);
  // The part of vectors_ that holds the vector of a text.
  std::span<float> VectorOf(const scheduling::Job& job);

  static constexpr std::size_t kNoJob = static_cast<std::size_t>(-1);

  const std::shared_ptr<ServedModel> model_;
  const Options options_;
  std::function<void()> done_;
  std::vector<std::string> prompted_;   // texts with their prompt, if there is one
  std::vector<scheduling::Job> jobs_;   // of the texts that can be computed
  std::vector<std::size_t> job_of_;     // [texts]: place in jobs_, or kNoJob
  std::vector<absl::Status> failures_;  // [texts]: of those without a job
  std::unique_ptr<float[]> vectors_;    // [jobs, D], NOLINT(modernize-avoid-c-arrays)
  std::size_t width_ = 0;               // D, or 0 if the texts are only tokenized
  std::int64_t invalid_texts_ = 0;      // counted once the batch is done
  absl::Status status_;
  Timings timings_;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_SERVING_TEXT_BATCH_H_
