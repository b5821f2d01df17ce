#include "server/scheduling/job_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace synth::scheduling {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Job MakeJob(std::uint64_t sequence, int tokens) {
  Job job;
  job.sequence = sequence;
  job.tokens = tokens;
  return job;
}

TEST(JobQueueTest, GivesTheOldestFirstWhateverTheOrderOfArrival) {
  Job first = MakeJob(1, 5);
  Job second = MakeJob(2, 5);
  Job third = MakeJob(3, 5);
  JobQueue queue;
  queue.Push(&third);
  queue.Push(&first);
  queue.Push(&second);
  EXPECT_EQ(queue.tokens(), 15);
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 100}), ElementsAre(&first, &second, &third));
  EXPECT_EQ(queue.tokens(), 0);
  EXPECT_TRUE(queue.empty());
}

TEST(JobQueueTest, TakesManyOfOneNumberInTheirOrder) {
  Job before = MakeJob(1, 1);
  Job window = MakeJob(2, 2);
  Job next_window = MakeJob(2, 3);
  Job last_window = MakeJob(2, 4);
  Job after = MakeJob(3, 5);
  Job later = MakeJob(4, 6);
  JobQueue queue;
  for (Job* job : {&after, &before}) queue.Push(job);
  queue.Push(std::vector<Job*>{&window, &next_window, &later});
  queue.Push(&last_window);
  queue.Push(std::vector<Job*>{});
  EXPECT_EQ(queue.tokens(), 21);
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 100}),
              ElementsAre(&before, &window, &next_window, &last_window, &after, &later));
}

TEST(JobQueueTest, StopsAtTheBudgetWithoutOvertaking) {
  Job first = MakeJob(1, 5);
  Job large = MakeJob(2, 50);
  Job small = MakeJob(3, 1);
  JobQueue queue;
  for (Job* job : {&first, &large, &small}) queue.Push(job);
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 20}), ElementsAre(&first));
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 20}), ElementsAre(&large))
      << "a job larger than the budget goes alone";
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 20}), ElementsAre(&small));
  EXPECT_THAT(queue.Take({.jobs = 10, .tokens = 20}), IsEmpty());
}

TEST(JobQueueTest, StopsAtTheNumberOfJobs) {
  std::vector<Job> jobs;
  for (std::uint64_t i = 0; i < 5; ++i) jobs.push_back(MakeJob(i, 1));
  JobQueue queue;
  for (Job& job : jobs) queue.Push(&job);
  EXPECT_EQ(queue.Take({.jobs = 3, .tokens = 100}).size(), 3U);
  EXPECT_EQ(queue.size(), 2U);
}

TEST(JobQueueTest, TakesTheLowestTagFirstAndACallsJobsInTheirOrder) {
  Job bulk = MakeJob(1, 5);
  Job bulk_too = MakeJob(2, 5);
  Job light = MakeJob(3, 1);
  bulk.tag = bulk_too.tag = 10;
  bulk.call = bulk_too.call = 1;
  light.tag = 2;
  light.call = 2;
  JobQueue queue;
  for (Job* job : {&bulk, &bulk_too, &light}) queue.Push(job);
  EXPECT_EQ(queue.Front(), &light);
  EXPECT_EQ(queue.Front(JobQueue::First::kOldest), &bulk);
  EXPECT_THAT(queue.Take({.jobs = 2}, JobQueue::First::kOldest), ElementsAre(&bulk, &bulk_too));
  EXPECT_THAT(queue.Take({}), ElementsAre(&light));
}

}  // namespace
}  // namespace synth::scheduling
