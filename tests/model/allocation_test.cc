// After one pass over the largest batch, nothing on the way of a batch allocates.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "model/kernels/select.h"
#include "synth/model.h"
#include "synth/precision.h"
#include "tests/model/test_checkpoint.h"

namespace {
std::atomic<int> allocations = 0;

void* CountedAllocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* const memory =
      std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// Every form of new and delete.
void* operator new(std::size_t size) { return CountedAllocate(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return CountedAllocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return CountedAllocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return CountedAllocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace synth {
namespace {

// One caller and the threads that help it, which stand ready from the start: running allocates
// nothing.
class StandingHelpers final : public Helpers {
 public:
  explicit StandingHelpers(int threads) : begin_(threads), end_(threads) {
    threads_.reserve(static_cast<std::size_t>(threads));
    for (int t = 1; t < threads; ++t) threads_.emplace_back([this, t] { Stand(t); });
  }
  ~StandingHelpers() override {
    count_ = kStop;
    begin_.arrive_and_wait();
  }

  int max_threads() const override { return static_cast<int>(threads_.size()) + 1; }
  int threads() const override { return max_threads(); }
  void Run(int count, absl::FunctionRef<void(int, int)> part) override {
    if (count == 1) return part(0, 0);
    part_ = &part;
    count_ = count;
    ++runs_;
    begin_.arrive_and_wait();
    part(0, 0);
    end_.arrive_and_wait();
  }
  int runs() const { return runs_; }

 private:
  static constexpr int kStop = -1;

  void Stand(int thread) {
    for (;;) {
      begin_.arrive_and_wait();
      if (count_ == kStop) return;
      if (thread < count_) (*part_)(thread, thread);
      end_.arrive_and_wait();
    }
  }

  std::barrier<> begin_;
  std::barrier<> end_;
  // Written while the others wait at begin_.
  int count_ = 0;
  const absl::FunctionRef<void(int, int)>* part_ = nullptr;
  int runs_ = 0;
  std::vector<std::jthread> threads_;
};

void ExpectNoAllocations(const char* norm_position, Precision precision) {
  nlohmann::json config = TinyConfig(AllAttentionSpecs());
  config["num_hidden_layers"] = AllAttentionSpecs().size();
  config["norm_position"] = norm_position;
  config["problem_type"] = "single_label_classification";
  config["id2label"] = {{"0", "a"}, {"1", "b"}};
  TestTensors tensors = RandomTensors(config, 1);
  // Steep rows too: their softmax goes through the workspace.
  tensors.at("encoder.layer.3.attention.self.random.r").values[11] = 500;
  const TempFolder folder;
  WriteCheckpoint(folder.path(), config, tensors);
  const auto model = Model::Load(folder.path(), {.precision = precision});
  ASSERT_TRUE(model.ok()) << model.status();

  const WorkspacePtr workspace = (*model)->MakeWorkspace();
  const TestBatch large = RandomBatch({12, 12, 12, 5}, 29, 1);
  const TestBatch small = RandomBatch({3, 7, 1}, 29, 2);
  std::vector<float> pooled(18);
  std::vector<float> logits(2);
  (*model)->Forward(large.tokens(), *workspace);
  const int before = allocations;
  for (const TestBatch* batch : {&small, &large, &small}) {
    const auto hidden = (*model)->Forward(batch->tokens(), *workspace);
    (*model)->Pool(hidden.first(std::size_t{3} * 18), Pooling::kMean, pooled);
    (*model)->Classify(pooled, logits);
  }
  EXPECT_EQ(allocations - before, 0);

  // Workers that share helpers: after each thread has had the largest batch and each worker too,
  // however the work is divided.
  constexpr int kWorkers = 3;
  const std::vector<WorkspacePtr> workspaces = (*model)->MakeWorkspaces(kWorkers);
  const TestBatch largest = RandomBatch({12, 12, 12, 12, 12, 12, 12, 5}, 29, 3);
  for (int i = 0; i < kWorkers; ++i) {
    OneThread alone(kWorkers, i);
    (*model)->Forward(largest.tokens(), *workspaces[static_cast<std::size_t>(i)], &alone);
  }
  StandingHelpers helpers(kWorkers);
  const int before_workers = allocations;
  for (const WorkspacePtr& one : workspaces) {
    for (const TestBatch* batch : {&small, &largest, &large}) {
      (*model)->Forward(batch->tokens(), *one, &helpers);
      for (int i = 0; i < kWorkers; ++i) {
        OneThread alone(kWorkers, i);
        (*model)->Forward(batch->tokens(), *one, &alone);
      }
    }
  }
  EXPECT_EQ(allocations - before_workers, 0);
  EXPECT_GT(helpers.runs(), 0);
}

TEST(Allocation, NoneAfterTheLargestBatch) {
  for (const Precision precision : SupportedPrecisions(*SupportedIsas().front())) {
    SCOPED_TRACE(ToString(precision));
    ExpectNoAllocations("post", precision);
    ExpectNoAllocations("pre", precision);
  }
}

TEST(Allocation, IsCounted) {
  const int before = allocations;
  const auto something = std::make_unique<std::vector<int>>(100);
  EXPECT_EQ(allocations - before, 2);
}

}  // namespace
}  // namespace synth
