#include "client/load/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "client/load/report.h"
#include "client/load/sentences.h"

namespace synth::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Sample Ok(milliseconds due, milliseconds sent, milliseconds done) {
  Sample sample;
  sample.due = due;
  sample.sent = sent;
  sample.done = done;
  sample.texts = 2;
  sample.truncated_texts = 1;
  sample.server_queue = 0.5;
  return sample;
}

TEST(Recorder, LatencyCountsFromWhenTheRequestWasDue) {
  Recorder recorder(seconds(1), seconds(2), milliseconds(100));
  recorder.Add(Ok(milliseconds(1000), milliseconds(1040), milliseconds(1100)));
  const Measurements measured = recorder.Take();
  EXPECT_EQ(measured.latency.Max(), milliseconds(100));
  EXPECT_EQ(measured.lateness.Max(), milliseconds(40));
  EXPECT_EQ(measured.within_target, 1U);
  EXPECT_EQ(measured.texts, 2U);
  EXPECT_EQ(measured.truncated_texts, 1U);
  EXPECT_EQ(measured.server_queue, 0.5);
}

TEST(Recorder, TheWindowHoldsWhatWasDueInIt) {
  Recorder recorder(seconds(1), seconds(2), milliseconds(100));
  recorder.Add(Ok(milliseconds(999), milliseconds(999), milliseconds(1000)));
  recorder.Add(Ok(milliseconds(1999), milliseconds(1999), milliseconds(2500)));
  recorder.Add(Ok(milliseconds(2000), milliseconds(2000), milliseconds(2001)));
  const Measurements measured = recorder.Take();
  EXPECT_EQ(measured.requests, 1U);
  EXPECT_EQ(measured.latency.Max(), milliseconds(501));
  EXPECT_EQ(measured.within_target, 0U);
  // Throughput is what came back in the window: the first.
  EXPECT_EQ(measured.finished_requests, 1U);
}

TEST(Recorder, ErrorsCountByCodeAndHaveNoLatency) {
  Recorder recorder(seconds(0), seconds(2), milliseconds(100));
  Sample failed = Ok(milliseconds(1), milliseconds(1), milliseconds(2));
  failed.code = absl::StatusCode::kResourceExhausted;
  recorder.Add(failed);
  recorder.Add(failed);
  recorder.AddNotSent(milliseconds(3));
  const Measurements measured = recorder.Take();
  EXPECT_EQ(measured.requests, 3U);
  EXPECT_EQ(measured.errors.at(absl::StatusCode::kResourceExhausted), 2U);
  EXPECT_EQ(measured.not_sent, 1U);
  EXPECT_EQ(measured.latency.Count(), 0U);
  EXPECT_EQ(measured.finished_requests, 0U);
}

TEST(Report, NumbersFollowFromTheMeasurements) {
  LoadOptions options;
  options.rate = 2.0;
  options.warmup = seconds(0);
  options.duration = seconds(2);
  options.target = milliseconds(100);
  LoadReport report;
  report.client_cpu_seconds = 0.5;
  Recorder recorder(options.warmup, options.duration, options.target);
  recorder.Add(Ok(milliseconds(0), milliseconds(0), milliseconds(50)));
  recorder.Add(Ok(milliseconds(500), milliseconds(500), milliseconds(700)));
  report.measured = recorder.Take();
  const nlohmann::ordered_json json = ReportJson(options, report);
  EXPECT_EQ(json["throughput"]["requests_per_second"], 1.0);
  EXPECT_EQ(json["throughput"]["texts_per_second"], 2.0);
  EXPECT_EQ(json["goodput"]["requests_per_second"], 0.5);
  EXPECT_EQ(json["server_mean_seconds"]["queue"], 0.5);
  EXPECT_EQ(json["client"]["cpu_cores"], 0.25);
  EXPECT_NEAR(json["latency_seconds"]["max"], 0.2, 1e-9);
  EXPECT_NE(ReportText(options, report).find("0.5 requests/s within 100 ms"), std::string::npos);
}

TEST(Report, AnEmptyRunHasNoNaN) {
  const std::string text = ReportText({}, {}) + ReportJson({}, {}).dump();
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find("null"), std::string::npos);
}

TEST(BuiltInSentences, AreManyAndDifferent) {
  std::vector<std::string> sentences = BuiltInSentences();
  EXPECT_EQ(sentences.size(), 1024U);
  std::sort(sentences.begin(), sentences.end());
  EXPECT_EQ(std::unique(sentences.begin(), sentences.end()), sentences.end());
}

}  // namespace
}  // namespace synth::load
