#include "synth/client/bulk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/client/fake_server.h"

namespace synth::client {
namespace {

using EncodeItem = BulkResult<v1::EncodeResult>;

// Texts whose lengths differ from their neighbours', so that exchanged results are noticed.
std::vector<std::string> Texts(size_t count) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) texts.emplace_back(1 + i % 97, 'x');
  return texts;
}

BulkOptions Options(size_t texts_per_request, size_t max_in_flight) {
  BulkOptions options;
  options.texts_per_request = texts_per_request;
  options.max_in_flight = max_in_flight;
  return options;
}

void ExpectInOrder(const std::vector<EncodeItem>& items, const std::vector<std::string>& texts) {
  ASSERT_EQ(items.size(), texts.size());
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].index, i);
    EXPECT_EQ(items[i].text, texts[i]);
    if (!items[i].status.ok()) continue;
    ASSERT_EQ(items[i].result.embedding_size(), 2);
    EXPECT_EQ(items[i].result.embedding(0), static_cast<float>(texts[i].size()));
  }
}

// Lets calls finish in a random order: gathers them in groups, and releases each group shuffled,
// one call after the other.
class RandomFinisher {
 public:
  explicit RandomFinisher(size_t group) : group_(group) {}

  void Wait() {
    std::unique_lock lock(mutex_);
    const size_t ticket = next_ticket_++;
    waiting_.push_back(ticket);
    if (waiting_.size() == group_) {
      std::shuffle(waiting_.begin(), waiting_.end(), random_);
      released_.swap(waiting_);
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return !released_.empty() && released_.back() == ticket; });
    released_.pop_back();
    changed_.notify_all();
  }

 private:
  const size_t group_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::mt19937 random_{3};
  size_t next_ticket_ = 0;
  std::vector<size_t> waiting_;
  std::vector<size_t> released_;  // from the back
};

TEST(Bulk, ResultsComeInOrderHoweverCallsFinish) {
  constexpr size_t kInFlight = 4;
  constexpr size_t kCalls = 10 * kInFlight;
  FakeServer server;
  RandomFinisher finisher(kInFlight);
  std::atomic<size_t> calls = 0;
  std::atomic<int> largest = 0;
  server.encode = [&](auto&, const auto& request, auto& response) {
    ++calls;
    // Concurrent writers write the same, but for the last call.
    if (request.texts_size() > largest) largest = request.texts_size();
    FakeServer::AnswerWithLengths(request, response);
    finisher.Wait();
    return grpc::Status::OK;
  };
  const std::vector<std::string> texts = Texts(kCalls * 10 - 3);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, Options(10, kInFlight), items).ok());
  ExpectInOrder(items, texts);
  for (const EncodeItem& item : items) EXPECT_TRUE(item.status.ok()) << item.status;
  EXPECT_EQ(calls, kCalls);
  EXPECT_EQ(largest, 10);
}

TEST(Bulk, NoMoreThanMaxInFlightRunAtOnce) {
  FakeServer server;
  std::mutex mutex;
  std::condition_variable full;
  size_t running = 0;
  size_t most = 0;
  server.encode = [&](auto&, const auto& request, auto& response) {
    FakeServer::AnswerWithLengths(request, response);
    std::unique_lock lock(mutex);
    most = std::max(most, ++running);
    full.notify_all();
    // The first ones wait until as many run as may; later ones do not wait.
    full.wait(lock, [&] { return most == 3; });
    --running;
    return grpc::Status::OK;
  };
  const std::vector<std::string> texts = Texts(30);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, Options(1, 3), items).ok());
  ExpectInOrder(items, texts);
  EXPECT_EQ(most, 3U);
}

TEST(Bulk, AFailedRequestFailsItsTextsOnly) {
  FakeServer server;
  server.encode = [](auto&, const auto& request, auto& response) {
    // Texts 20 to 29 begin with the one of length 21.
    if (request.texts(0).size() == 21) return grpc::Status(grpc::StatusCode::INTERNAL, "broken");
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  const std::vector<std::string> texts = Texts(60);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, Options(10, 3), items).ok());
  ExpectInOrder(items, texts);
  for (size_t i = 0; i < items.size(); ++i) {
    const bool failed = i >= 20 && i < 30;
    EXPECT_EQ(items[i].request_failed, failed) << i;
    EXPECT_EQ(items[i].status, failed ? absl::InternalError("broken") : absl::OkStatus()) << i;
  }
}

TEST(Bulk, BadTextsFailAlone) {
  const FakeServer server;
  std::vector<std::string> texts = Texts(12);
  texts[2] = "";                 // refused by the server
  texts[5] = "caf\xE9";          // cannot be sent
  texts[8] = texts[9] = "\xFF";  // a whole request of them
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, Options(2, 2), items).ok());
  ExpectInOrder(items, texts);
  for (size_t i = 0; i < items.size(); ++i) {
    const bool bad = i == 2 || i == 5 || i == 8 || i == 9;
    EXPECT_EQ(items[i].status.code(),
              bad ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kOk)
        << i;
    EXPECT_FALSE(items[i].request_failed);
  }
}

TEST(Bulk, ASourceMayRefuseTextsAndTagThem) {
  const FakeServer server;
  size_t next = 0;
  const BulkSource source = [&]() -> std::optional<BulkText> {
    if (next == 3) return std::nullopt;
    const size_t i = next++;
    return BulkText{"text", absl::StrCat("tag", i),
                    i == 1 ? absl::DataLossError("torn") : absl::OkStatus()};
  };
  std::vector<EncodeItem> items;
  const BulkSink<v1::EncodeResult> sink = [&](EncodeItem item) {
    items.push_back(std::move(item));
    return true;
  };
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, source, sink, {}).ok());
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[1].status, absl::DataLossError("torn"));
  EXPECT_EQ(items[2].tag, "tag2");
  EXPECT_TRUE(items[2].status.ok());
}

TEST(Bulk, ResultsAreDeliveredWhileTheSourceWaits) {
  const FakeServer server;
  std::promise<void> first_delivered;
  std::future<void> wait = first_delivered.get_future();
  size_t next = 0;
  // The second text exists only once the first result is there.
  const BulkSource source = [&]() -> std::optional<BulkText> {
    if (next == 2) return std::nullopt;
    if (next == 1) wait.wait();
    return BulkText{absl::StrCat("text", next++), "", absl::OkStatus()};
  };
  size_t delivered = 0;
  const BulkSink<v1::EncodeResult> sink = [&](const EncodeItem& item) {
    EXPECT_TRUE(item.status.ok());
    if (delivered++ == 0) first_delivered.set_value();
    return true;
  };
  EXPECT_TRUE(EncodeBulk(*server.Connect(), {}, source, sink, Options(1, 4)).ok());
  EXPECT_EQ(delivered, 2U);
}

TEST(Bulk, TheSinkStopsTheRun) {
  FakeServer server;
  // The first request is answered, later ones hang until they are cancelled.
  server.encode = [&](auto& context, const auto& request, auto& response) {
    while (request.texts(0) != "text0") {
      if (context.IsCancelled()) return grpc::Status::CANCELLED;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  size_t next = 0;
  const BulkSource endless = [&]() -> std::optional<BulkText> {
    return BulkText{absl::StrCat("text", next++), "", absl::OkStatus()};
  };
  int delivered = 0;
  const BulkSink<v1::EncodeResult> sink = [&](const EncodeItem&) { return ++delivered < 2; };
  EXPECT_EQ(EncodeBulk(*server.Connect(), {}, endless, sink, Options(2, 3)).code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(delivered, 2);
}

// Refuses an Encode as a busy server does: to come back in so many milliseconds.
grpc::Status Busy(grpc::ServerContext& context, const std::string& hint = "1",
                  const std::string& message = "the queue is full") {
  context.AddTrailingMetadata("grpc-retry-pushback-ms", hint);
  return {grpc::StatusCode::RESOURCE_EXHAUSTED, message};
}
grpc::Status BusyForAnHour(grpc::ServerContext& context) {
  return Busy(context, "3600000", "come back in an hour");
}

// A server that refuses every Encode with `refuse`, and counts them.
struct RefusingServer {
  explicit RefusingServer(std::function<grpc::Status(grpc::ServerContext&)> refuse) {
    server.encode = [this, refuse = std::move(refuse)](auto& context, const auto&, auto&) {
      ++calls;
      return refuse(context);
    };
  }
  std::atomic<int> calls = 0;
  FakeServer server;  // its handlers end before the counter goes
};

// Without retries by gRPC itself.
std::unique_ptr<Client> ConnectForOneAttempt(const FakeServer& server) {
  ClientOptions options;
  options.retry.max_attempts = 1;
  return server.Connect(options);
}

TEST(Bulk, WhatTheServerIsTooBusyForIsSentAgain) {
  FakeServer server;
  std::mutex mutex;
  std::map<std::string, int> calls;  // by the request's first text
  server.encode = [&](auto& context, const auto& request, auto& response) {
    {
      const std::lock_guard lock(mutex);
      if (++calls[request.texts(0)] <= 4) return Busy(context);
    }
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  const std::vector<std::string> texts = Texts(60);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*ConnectForOneAttempt(server), {}, texts, Options(10, 3), items).ok());
  ExpectInOrder(items, texts);
  for (const EncodeItem& item : items) EXPECT_TRUE(item.status.ok()) << item.status;
  EXPECT_EQ(calls.size(), 6U);
  for (const auto& [text, count] : calls) EXPECT_EQ(count, 5) << text;
}

TEST(Bulk, PatienceEnds) {
  RefusingServer busy([](auto& context) { return Busy(context); });
  BulkOptions options = Options(2, 2);
  options.patience = std::chrono::milliseconds(50);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*ConnectForOneAttempt(busy.server), {}, Texts(2), options, items).ok());
  ASSERT_EQ(items.size(), 2U);
  for (const EncodeItem& item : items) {
    EXPECT_EQ(item.status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(item.status.message(), "the queue is full");
    EXPECT_TRUE(item.request_failed);
  }
  EXPECT_GE(busy.calls, 2);
}

TEST(Bulk, AHintBeyondThePatienceIsNotWaitedOut) {
  RefusingServer busy(BusyForAnHour);
  BulkOptions options = Options(2, 2);
  options.patience = std::chrono::milliseconds(20);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*ConnectForOneAttempt(busy.server), {}, Texts(2), options, items).ok());
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].status.message(), "come back in an hour");
  EXPECT_EQ(busy.calls, 2);
}

TEST(Bulk, WithoutPatienceARefusalIsFinal) {
  RefusingServer busy([](auto& context) { return Busy(context); });
  BulkOptions options = Options(2, 2);
  options.patience = std::chrono::milliseconds(0);
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*ConnectForOneAttempt(busy.server), {}, Texts(8), options, items).ok());
  EXPECT_EQ(items.size(), 8U);
  EXPECT_EQ(busy.calls, 4);
}

TEST(Bulk, WithoutAHintResourceExhaustedIsAnError) {
  RefusingServer busy([](auto&) {
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the message is too large");
  });
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*ConnectForOneAttempt(busy.server), {}, Texts(2), {}, items).ok());
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(busy.calls, 1);
}

TEST(Bulk, TheSinkStopsARunWhileRequestsWaitToBeSentAgain) {
  std::promise<void> refused;
  std::atomic<int> calls = 0;
  FakeServer server;
  server.encode = [&](auto& context, const auto& request, auto& response) {
    if (request.texts(0).size() > 1) {
      if (++calls == 1) refused.set_value();
      return BusyForAnHour(context);
    }
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  size_t next = 0;
  const BulkSource source = [&]() -> std::optional<BulkText> {
    return BulkText{std::string(++next, 'x'), "", absl::OkStatus()};
  };
  std::future<void> one_refused = refused.get_future();
  const BulkSink<v1::EncodeResult> sink = [&](const EncodeItem&) {
    one_refused.wait();
    return false;
  };
  EXPECT_EQ(EncodeBulk(*ConnectForOneAttempt(server), {}, source, sink, Options(1, 3)).code(),
            absl::StatusCode::kCancelled);
}

TEST(Bulk, AServerThatLosesResultsIsCaught) {
  FakeServer server;
  server.encode = [](auto&, const auto&, auto& response) {
    response.add_results();
    return grpc::Status::OK;
  };
  std::vector<EncodeItem> items;
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, Texts(2), {}, items).ok());
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].status, absl::InternalError("the server sent 1 results for 2 texts"));
}

TEST(Bulk, RequestsAreClosedAtTheirSizeInBytes) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.encode = [&](auto&, const auto& request, auto& response) {
    ++calls;
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  BulkOptions options;
  options.bytes_per_request = 100;
  std::vector<EncodeItem> items;
  const std::vector<std::string> texts(6, std::string(50, 'x'));
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, options, items).ok());
  EXPECT_EQ(calls, 3);
}

TEST(Bulk, ATextTooLargeForARequestFailsAlone) {
  FakeServer server;
  server.encode = [&](auto&, const auto& request, auto& response) {
    if (request.ByteSizeLong() > 120) {
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "larger than max");
    }
    FakeServer::AnswerWithLengths(request, response);
    return grpc::Status::OK;
  };
  BulkOptions options;
  options.bytes_per_request = 100;
  std::vector<EncodeItem> items;
  const std::vector<std::string> texts = {"a", "bb", std::string(200, 'c'), "dddd", "ee"};
  ASSERT_TRUE(EncodeBulk(*server.Connect(), {}, texts, options, items).ok());
  ASSERT_EQ(items.size(), texts.size());
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].index, i);
    EXPECT_EQ(items[i].status.ok(), i != 2) << i << ": " << items[i].status;
  }
}

TEST(Bulk, OptionsOutsideTheirRangeAreRefused) {
  const FakeServer server;
  const std::unique_ptr<Client> client = server.Connect();
  std::vector<EncodeItem> items;
  EXPECT_EQ(EncodeBulk(*client, {}, {}, Options(0, 1), items).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(EncodeBulk(*client, {}, {}, Options(1, 0), items).code(),
            absl::StatusCode::kInvalidArgument);
  BulkOptions impatient;
  impatient.patience = std::chrono::milliseconds(-1);
  EXPECT_EQ(EncodeBulk(*client, {}, {}, impatient, items).code(),
            absl::StatusCode::kInvalidArgument);
  v1::EncodeRequest settings;
  settings.add_texts("not here");
  EXPECT_EQ(EncodeBulk(*client, settings, {}, {}, items).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace synth::client
