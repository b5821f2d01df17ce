#include "server/scheduling/scheduler.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace synth::scheduling {
namespace {

// Texts that a lane takes at once to tokenize them: enough to make the lock cheap, few enough that
// two lanes share one call's texts.
constexpr std::size_t kTokenizeChunk = 8;

// What a lane tokenizes in a turn at most, some milliseconds' worth. A batch of tokens is far fewer
// bytes; this bounds what has none to give: Tokenize calls, texts that fail, and the part of long
// texts that is cut off.
constexpr std::size_t kTokenizeBytes = 16'384;
constexpr Duration kTokenizeTime = std::chrono::milliseconds(4);

// A text that is predicted to take longer than this to tokenize is long: nothing interrupts it, so
// one lane is always kept from such texts.
constexpr double kLongSeconds = 0.010;

// So many bytes of text count as one token in the queue: texts take memory while they wait.
constexpr std::int64_t kBytesPerToken = 256;

// One turn in so many begins with the call that waits longest.
constexpr std::uint64_t kOldestEvery = 8;

// A smaller share than this is not worth a second lane.
constexpr std::int64_t kMinShareTokens = 64;

std::int64_t DivideUp(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t Bytes(const Job& job) { return static_cast<std::int64_t>(job.bytes()); }

// What the job takes of the queue, before it is tokenized.
std::int64_t QueueTokens(const Job& job) { return job.tokens + Bytes(job) / kBytesPerToken; }

double FirstTag(const JobQueue& queue) {
  const Job* job = queue.Front();
  return job == nullptr ? std::numeric_limits<double>::infinity() : job->tag;
}

Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Scheduler::Scheduler(const Options& options, Engine& engine, std::unique_ptr<Arena> own_arena,
                     Arena* arena, Observer& observer, std::function<TimePoint()> now)
    : options_(options),
      engine_(engine),
      own_arena_(std::move(own_arena)),
      arena_(arena == nullptr ? *own_arena_ : *arena),
      observer_(observer),
      now_(std::move(now)),
      admission_(
          {.max_queue_tokens = options.max_queue_tokens, .max_queue_time = options.max_queue_time}),
      costs_(std::max(1, options.max_batch_tokens / 2)) {
  // Lane 0 is taken first: with little to do its buffers stay warm.
  for (int lane = options.lanes - 1; lane >= 0; --lane) idle_lanes_.push_back(lane);
}

Scheduler::Scheduler(const Options& options, Engine& engine, Arena& arena, Observer& observer,
                     std::function<TimePoint()> now)
    : Scheduler(options, engine, nullptr, &arena, observer, std::move(now)) {}

Scheduler::Scheduler(const Options& options, Engine& engine, Executor& executor, Observer& observer,
                     std::function<TimePoint()> now)
    : Scheduler(options, engine, std::make_unique<Arena>(executor, options.lanes), nullptr,
                observer, std::move(now)) {}

Scheduler::~Scheduler() {
  const MutexLock lock(mutex_);
  while (idle_lanes_.size() < static_cast<std::size_t>(options_.lanes)) mutex_.Wait(all_idle_);
}

std::optional<Refusal> Scheduler::Submit(JobGroup& group, std::span<Job> jobs) {
  const bool is_computed = group.work == JobGroup::Work::kCompute;
  for (Job& job : jobs) {
    job.group = &group;
    job.tokens = is_computed ? engine_.PredictTokens(job) : 0;
  }
  group.remaining_.store(jobs.size(), std::memory_order_relaxed);

  const TimePoint now = now_();
  std::optional<Refusal> refusal;
  std::vector<int> woken;
  {
    const MutexLock lock(mutex_);
    const double longest = PredictLocked(group, jobs);
    double cost = 0;
    double seconds = 0;
    for (const Job& job : jobs) {
      cost += job.cost;
      seconds += job.seconds;
    }
    const Arena::Outlook outlook = arena_.Look(cost);
    Admission::Request request = {
        .tokens = group.queue_tokens_,
        .tokens_ahead = static_cast<std::int64_t>(tokens_.UpTo(outlook.tag)),
        .tokens_there = static_cast<std::int64_t>(tokens_.total()),
        .now = now,
        .deadline = group.deadline};
    if (costs_.is_measured()) {
      // One batch, or one text's tokenizing, is not shared by lanes.
      const double batch = std::min(seconds, costs_.TokenSeconds(options_.max_batch_tokens));
      request.wait = FromSeconds(outlook.seconds_ahead / arena_.lanes());
      request.alone = FromSeconds(std::max({seconds / arena_.lanes(), batch, longest}) +
                                  (is_computed ? costs_.batch_seconds() : 0));
    }
    refusal = admission_.Check(request);
    if (!refusal) {
      group.submitted_ = now;
      group.predicted_ = request.wait + request.alone;
      for (Job& job : jobs) job.submitted = now;
      AdmitLocked(group, jobs, outlook.tag);
      woken = WakeLocked();
    }
  }
  // The group may be gone from here on.
  if (refusal) observer_.OnRefused(refusal->reason);
  GiveTurns(woken);
  return refusal;
}

double Scheduler::PredictLocked(JobGroup& group, std::span<Job> jobs) {
  double longest = 0;
  group.queue_tokens_ = 0;
  group.open_jobs_ = static_cast<std::int64_t>(jobs.size());
  for (Job& job : jobs) {
    const double tokenizing = costs_.ByteSeconds(Bytes(job));
    job.cost = costs_.OrderSeconds(job.tokens, Bytes(job));
    job.seconds = tokenizing + costs_.TokenSeconds(job.tokens);
    job.queue_tokens = QueueTokens(job);
    group.queue_tokens_ += job.queue_tokens;
    longest = std::max(longest, tokenizing);
  }
  return longest;
}

void Scheduler::AdmitLocked(JobGroup& group, std::span<Job> jobs, double tag) {
  const std::uint64_t call = next_call_++;
  for (Job& job : jobs) {
    job.tag = tag;
    job.call = call;
    job.sequence = next_sequence_++;
    (costs_.ByteSeconds(Bytes(job)) > kLongSeconds ? long_ : arrived_).Push(&job);
  }
  tokens_.Add(tag, static_cast<double>(admission_.Share(group.queue_tokens_)), 1);
  arena_.Join(jobs);
  ShowFirstLocked();
}

Scheduler::Load Scheduler::load() const {
  const MutexLock lock(mutex_);
  return {.queued_texts = static_cast<std::int64_t>(arrived_.size() + long_.size() + ready_.size()),
          .queued_tokens = arrived_.tokens() + long_.tokens() + ready_.tokens(),
          .busy_lanes = busy_lanes_};
}

void Scheduler::Turn(int lane) {
  JobQueue::First first = JobQueue::First::kFair;
  {
    const MutexLock lock(mutex_);
    if (++turns_ % kOldestEvery == 0) first = JobQueue::First::kOldest;
  }
  TokenizeArrivals(first);
  const std::vector<Job*> batch = TakeBatch(first);
  if (!batch.empty()) Compute(batch, lane);
  EndTurn(lane);
}

void Scheduler::TokenizeArrivals(JobQueue::First first) {
  const TimePoint start = now_();
  std::size_t bytes = 0;
  while (bytes < kTokenizeBytes && now_() - start < kTokenizeTime) {
    std::vector<Job*> chunk;
    bool is_long = false;
    {
      const MutexLock lock(mutex_);
      JobQueue* arrivals = NextArrivalsLocked(first);
      if (arrivals == nullptr) return;
      // A full batch waits already, unless a shorter call has come.
      if (ready_.tokens() >= options_.max_batch_tokens && FirstTag(*arrivals) >= FirstTag(ready_))
        return;
      is_long = arrivals == &long_;
      chunk = arrivals->Take({.jobs = is_long ? 1 : kTokenizeChunk,
                              .tokens = options_.max_batch_tokens,
                              .bytes = kTokenizeBytes},
                             first);
      if (is_long) ++long_lanes_;
      ShowFirstLocked();
    }
    first = JobQueue::First::kFair;
    for (const Job* job : chunk) bytes += job->bytes();
    Tokenize(chunk, is_long);
  }
}

JobQueue* Scheduler::NextArrivalsLocked(JobQueue::First first) {
  const Job* short_text = arrived_.Front(first);
  const Job* long_text = MayTakeLongLocked() ? long_.Front(first) : nullptr;
  if (long_text == nullptr) return short_text == nullptr ? nullptr : &arrived_;
  if (short_text == nullptr) return &long_;
  const bool is_long_next = first == JobQueue::First::kOldest ? long_text->call < short_text->call
                                                              : long_text->tag < short_text->tag;
  return is_long_next ? &long_ : &arrived_;
}

bool Scheduler::MayTakeLongLocked() const { return long_lanes_ < std::max(1, options_.lanes - 1); }

void Scheduler::Tokenize(std::span<Job* const> chunk, bool is_long) {
  std::vector<Job*> tokenized;
  std::vector<Job*> computed_next;
  std::vector<Job*> done;
  std::vector<Job*> left;
  std::int64_t bytes = 0;
  Duration time{};
  for (Job* job : chunk) {
    // Looked at between two texts, for each may take long.
    if (time >= kTokenizeTime) {
      left.push_back(job);
      continue;
    }
    if (IsDropped(*job)) {
      done.push_back(job);
      continue;
    }
    const TimePoint start = now_();
    job->status = engine_.Tokenize(*job);
    job->tokenize_time = now_() - start;
    time += job->tokenize_time;
    bytes += Bytes(*job);
    observer_.OnTokenized(*job);
    if (!job->status.ok() || job->group->work == JobGroup::Work::kTokenize) {
      done.push_back(job);
      continue;
    }
    tokenized.push_back(job);
    if (job->windows.empty()) {
      computed_next.push_back(job);
    } else {
      Split(*job, computed_next);
    }
  }
  std::vector<int> woken;
  {
    const MutexLock lock(mutex_);
    if (is_long) --long_lanes_;
    costs_.LearnTokenizing(bytes, time);
    for (Job* text : tokenized) RevalueLocked(*text);
    arrived_.Push(left);
    ready_.Push(computed_next);
    ShowFirstLocked();
    // A lane that was kept from the next long text may have it now.
    if (is_long) woken = WakeLocked();
  }
  GiveTurns(woken);
  Finish(done);
}

void Scheduler::RevalueLocked(Job& text) {
  const std::span<Job> parts = text.windows.empty() ? std::span(&text, 1) : std::span(text.windows);
  const double cost = text.cost;
  const double seconds = text.seconds;
  const std::int64_t tokens = text.queue_tokens;
  double new_seconds = 0;
  std::int64_t new_tokens = 0;
  for (Job& part : parts) {
    // The fair clock counts what it was told: a text's windows cost together what it did.
    part.cost = cost * part.tokens / text.tokens;
    part.seconds = costs_.TokenSeconds(part.tokens);
    part.queue_tokens = part.tokens;
    new_seconds += part.seconds;
    new_tokens += part.queue_tokens;
  }
  const auto new_jobs = static_cast<std::int64_t>(parts.size()) - 1;
  arena_.Change(text.tag, new_seconds - seconds, new_jobs);
  HoldLocked(*text.group, text.tag, new_tokens - tokens, new_jobs);
}

void Scheduler::HoldLocked(JobGroup& group, double tag, std::int64_t tokens, std::int64_t jobs) {
  const std::int64_t before = admission_.Share(group.queue_tokens_);
  group.queue_tokens_ += tokens;
  group.open_jobs_ += jobs;
  const std::int64_t after = admission_.Share(group.queue_tokens_);
  tokens_.Add(tag, static_cast<double>(after - before), group.open_jobs_ == 0 ? -1 : 0);
}

void Scheduler::Split(Job& text, std::vector<Job*>& windows) {
  text.group->remaining_.fetch_add(text.windows.size() - 1, std::memory_order_relaxed);
  for (Job& window : text.windows) {
    window.group = text.group;
    window.index = text.index;
    window.tag = text.tag;
    window.call = text.call;
    window.sequence = text.sequence;
    window.submitted = text.submitted;
    window.tokenize_time = text.tokenize_time;
    window.whole = &text;
    windows.push_back(&window);
  }
}

std::vector<Job*> Scheduler::TakeBatch(JobQueue::First first) {
  std::vector<Job*> batch;
  while (batch.empty()) {
    std::vector<int> woken;
    {
      const MutexLock lock(mutex_);
      if (ready_.empty()) return batch;
      const std::int64_t share = DivideUp(ready_.tokens(), options_.lanes - busy_lanes_);
      const std::int64_t budget =
          std::min<std::int64_t>(options_.max_batch_tokens, std::max(share, kMinShareTokens));
      batch = ready_.Take({.tokens = budget}, first);
      ++busy_lanes_;
      ShowFirstLocked();
      woken = WakeLocked();
    }
    GiveTurns(woken);
    std::vector<Job*> dropped;
    SplitDropped(batch, dropped);
    Finish(dropped);
    if (batch.empty()) {
      const MutexLock lock(mutex_);
      --busy_lanes_;
    }
  }
  return batch;
}

void Scheduler::Compute(std::span<Job* const> batch, int lane) {
  std::int64_t tokens = 0;
  const TimePoint start = now_();
  for (Job* job : batch) {
    tokens += job->tokens;
    job->queue_time = start - job->submitted - job->tokenize_time;
  }
  observer_.OnBatchStarted(batch, static_cast<int>(tokens));
  engine_.Compute(batch, lane);
  const Duration time = now_() - start;
  for (Job* job : batch) job->compute_time = time * job->tokens / tokens;
  observer_.OnBatchDone(batch, static_cast<int>(tokens), time);
  {
    const MutexLock lock(mutex_);
    costs_.LearnBatch(tokens, time);
    --busy_lanes_;
  }
  Finish(batch);
}

void Scheduler::EndTurn(int lane) {
  {
    const MutexLock lock(mutex_);
    if (ready_.empty() && NextArrivalsLocked(JobQueue::First::kFair) == nullptr) {
      idle_lanes_.push_back(lane);
      // Under the lock: the destructor may run as soon as it is released.
      all_idle_.notify_all();
      return;
    }
  }
  // A new turn rather than a loop: other models get theirs in between.
  GiveTurns({lane});
}

void Scheduler::Finish(std::span<Job* const> jobs) {
  if (jobs.empty()) return;
  const TimePoint now = now_();
  {
    const MutexLock lock(mutex_);
    for (const Job* job : jobs) {
      const JobGroup& group = *job->group;
      HoldLocked(*job->group, job->tag, -job->queue_tokens, -1);
      // gRPC cancels a call at its deadline. One that its caller gave up says nothing.
      const bool is_given_up = group.cancelled() && now < group.deadline;
      if (group.open_jobs_ == 0 && !is_given_up) {
        admission_.Learn(group.predicted_, now - group.submitted_);
      }
    }
    arena_.Leave(jobs);
  }
  for (Job* job : jobs) {
    JobGroup& group = *job->group;
    if (group.remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) group.OnAllDone();
  }
}

bool Scheduler::IsDropped(Job& job) {
  // The deadline first: gRPC cancels a call at its deadline, too.
  if (job.group->deadline <= now_()) {
    job.status = absl::DeadlineExceededError("the deadline passed before the text was computed");
    if (job.stands_for_text()) observer_.OnDropped(DropReason::kDeadline);
    return true;
  }
  if (job.group->cancelled()) {
    job.status = absl::CancelledError("the call was cancelled before it was computed");
    if (job.stands_for_text()) observer_.OnDropped(DropReason::kCancelled);
    return true;
  }
  return false;
}

void Scheduler::SplitDropped(std::vector<Job*>& jobs, std::vector<Job*>& dropped) {
  std::erase_if(jobs, [&](Job* job) {
    if (!IsDropped(*job)) return false;
    dropped.push_back(job);
    return true;
  });
}

void Scheduler::ShowFirstLocked() {
  member_.first_tag.store(std::min({FirstTag(arrived_), FirstTag(long_), FirstTag(ready_)}),
                          std::memory_order_relaxed);
}

std::vector<int> Scheduler::WakeLocked() {
  const std::size_t work =
      arrived_.size() + ready_.size() + (MayTakeLongLocked() ? long_.size() : 0);
  const std::size_t wanted = std::min(idle_lanes_.size(), work);
  std::vector<int> woken;
  for (std::size_t i = 0; i < wanted; ++i) {
    woken.push_back(idle_lanes_.back());
    idle_lanes_.pop_back();
  }
  return woken;
}

void Scheduler::GiveTurns(const std::vector<int>& lanes) {
  for (const int lane : lanes) arena_.Enqueue(member_, [this, lane] { Turn(lane); });
}

}  // namespace synth::scheduling
