#include "server/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace synth::server {
namespace {

using scheduling::Job;
using std::chrono::milliseconds;
using testing::HasSubstr;

ModelMetrics& AddModel(Metrics& metrics) {
  ModelInfo info;
  info.digest = "abc";
  info.weight_bytes = 1000;
  info.precision = Precision::kInt8;
  info.instruction_set = "v4";
  return metrics.AddModel("m", info, 3);
}

TEST(MetricsTest, EverySeriesExistsAtZeroFromTheStart) {
  Metrics metrics;
  AddModel(metrics);
  for (const char* method : {"Encode", "Classify", "GetModel"})
    metrics.AddMethod("synth.v1.Inference", method, "unary");
  const std::string text = metrics.Scrape();
  for (
      const char* line : {
          R"(grpc_server_started_total{grpc_method="Encode",grpc_service="synth.v1.Inference",grpc_type="unary"} 0)",
          R"(grpc_server_handled_total{grpc_code="ResourceExhausted",grpc_method="Classify",grpc_service="synth.v1.Inference",grpc_type="unary"} 0)",
          R"(grpc_server_handling_seconds_bucket{grpc_method="GetModel",grpc_service="synth.v1.Inference",grpc_type="unary",le="0.0001"} 0)",
          R"(synth_rejected_total{model="m",reason="queue_full"} 0)",
          R"(synth_rejected_total{model="m",reason="predicted_wait"} 0)",
          R"(synth_rejected_total{model="m",reason="deadline"} 0)",
          R"(synth_dropped_total{model="m",reason="cancelled"} 0)",
          R"(synth_queue_seconds_count{model="m"} 0)",
          R"(synth_lanes{model="m"} 3)",
          R"(synth_model_info{digest="abc",instruction_set="v4",model="m",precision="int8"} 1)",
          R"(synth_model_bytes{model="m",part="weights"} 1000)",
          R"(synth_model_bytes{model="m",part="attention"} 0)",
          R"(process_resident_memory_bytes )",
          R"(process_start_time_seconds )",
      }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsTest, CountsCallsByCode) {
  Metrics metrics;
  const MethodMetrics& encode = metrics.AddMethod("synth.v1.Inference", "Encode", "unary");
  encode.OnStarted();
  encode.OnHandled(absl::StatusCode::kOk, milliseconds(3));
  encode.OnHandled(absl::StatusCode::kUnknown, milliseconds(3));
  const std::string text = metrics.Scrape();
  const std::string labels =
      R"(grpc_method="Encode",grpc_service="synth.v1.Inference",grpc_type="unary")";
  EXPECT_THAT(text, HasSubstr("grpc_server_started_total{" + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"OK\"," + labels + "} 1"));
  EXPECT_THAT(text, HasSubstr("grpc_server_handled_total{grpc_code=\"Unknown\"," + labels + "} 1"));
  EXPECT_THAT(text,
              HasSubstr("grpc_server_handling_seconds_bucket{" + labels + ",le=\"0.005\"} 2"));
  EXPECT_THAT(text,
              HasSubstr("grpc_server_handling_seconds_bucket{" + labels + ",le=\"0.0025\"} 0"));
}

// A quantile in the tail of a loaded server must not be a guess over 150 ms.
TEST(MetricsTest, LatenciesBetween100And250MillisecondsAreToldApart) {
  Metrics metrics;
  ModelMetrics& model = AddModel(metrics);
  Job job;
  job.tokens = 1;
  const std::vector<Job*> batch = {&job};
  const MethodMetrics& encode = metrics.AddMethod("synth.v1.Inference", "Encode", "unary");
  for (const int time : {120, 170, 220}) {
    encode.OnHandled(absl::StatusCode::kOk, milliseconds(time));
    model.OnBatchDone(batch, 1, milliseconds(time));
  }
  const std::string text = metrics.Scrape();
  for (
      const std::string series : {
          R"(grpc_server_handling_seconds_bucket{grpc_method="Encode",grpc_service="synth.v1.Inference",grpc_type="unary",)",
          R"(synth_compute_seconds_bucket{model="m",)",
      }) {
    for (const char* bucket :
         {R"(le="0.1"} 0)", R"(le="0.15"} 1)", R"(le="0.2"} 2)", R"(le="0.25"} 3)"}) {
      EXPECT_THAT(text, HasSubstr(series + bucket + "\n"));
    }
  }
}

TEST(MetricsTest, AttentionGrows) {
  Metrics metrics;
  const ModelMetrics& model = AddModel(metrics);
  for (const std::size_t bytes : {500U, 700U}) {
    model.SetAttentionBytes(bytes);
    EXPECT_THAT(metrics.Scrape(), HasSubstr(R"(synth_model_bytes{model="m",part="attention"} )" +
                                            std::to_string(bytes) + "\n"));
  }
}

TEST(MetricsTest, ATextInWindowsIsOneText) {
  Metrics metrics;
  ModelMetrics& model = AddModel(metrics);
  Job text;
  text.windows.resize(3);
  std::vector<Job*> batch;
  for (Job& window : text.windows) {
    window.whole = &text;
    batch.push_back(&window);
  }
  model.OnBatchStarted(batch, 30);
  model.OnBatchDone(batch, 30, milliseconds(1));
  const std::string scraped = metrics.Scrape();
  for (const char* line :
       {R"(synth_texts_total{model="m"} 1)", R"(synth_queue_seconds_count{model="m"} 1)",
        R"(synth_batch_texts_sum{model="m"} 3)"}) {
    EXPECT_THAT(scraped, HasSubstr(line));
  }
}

TEST(MetricsTest, CountsTextsTokensAndTruncation) {
  Metrics metrics;
  ModelMetrics& model = AddModel(metrics);
  Job whole;
  whole.tokens = whole.original_tokens = 5;
  Job cut;
  cut.tokens = 8;
  cut.original_tokens = 20;
  Job failed;
  failed.status = absl::InvalidArgumentError("no");
  for (const Job* job : {&whole, &cut, &failed}) model.OnTokenized(*job);
  const std::vector<Job*> batch = {&whole, &cut};
  model.OnBatchStarted(batch, 13);
  model.OnBatchDone(batch, 13, milliseconds(1));
  model.SetLoad({.queued_texts = 4, .queued_tokens = 40, .busy_lanes = 2});
  const std::string text = metrics.Scrape();
  for (const char* line :
       {R"(synth_texts_total{model="m"} 2)", R"(synth_tokens_total{model="m"} 13)",
        R"(synth_truncated_total{model="m"} 1)", R"(synth_failed_texts_total{model="m"} 1)",
        R"(synth_batch_texts_sum{model="m"} 2)", R"(synth_queue_seconds_count{model="m"} 2)",
        R"(synth_tokenize_seconds_count{model="m"} 3)", R"(synth_queue_texts{model="m"} 4)",
        R"(synth_queue_tokens{model="m"} 40)", R"(synth_lanes_busy{model="m"} 2)"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace synth::server
