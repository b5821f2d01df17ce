// After one pass over the largest batch, nothing on the way of a batch allocates.

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

#include "model/kernels/select.h"
#include "synth/model.h"
#include "synth/precision.h"
#include "tests/model/test_checkpoint.h"

namespace {
std::atomic<int> allocations = 0;

void* CountedAllocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): this is operator new.
  void* const memory =
      std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// Every form. NOLINTBEGIN(cppcoreguidelines-no-malloc): what new and delete are made of.
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
// NOLINTEND(cppcoreguidelines-no-malloc)

namespace synth {
namespace {

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
}

TEST(Allocation, NoneAfterTheLargestBatch) {
  for (const Precision precision : SupportedPrecisions(*SupportedIsas().front())) {
    SCOPED_TRACE(PrecisionName(precision));
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
