#include "server/observe/process_metrics.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "server/base/logging.h"
#include "server/base/memory_limit.h"
#include "server/base/out_of_memory.h"

namespace synth::server {
namespace {

prometheus::MetricFamily Single(const char* name, const char* help, prometheus::MetricType type,
                                double value) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric metric;
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(metric);
  return family;
}

prometheus::MetricFamily Counter(const char* name, const char* help, double value) {
  return Single(name, help, prometheus::MetricType::Counter, value);
}

prometheus::MetricFamily Gauge(const char* name, const char* help, double value) {
  return Single(name, help, prometheus::MetricType::Gauge, value);
}

// The fields of /proc/self/stat that are used here, by their number in proc(5).
struct ProcStat {
  double threads = 0;         // 20
  double start_ticks = 0;     // 22, since boot
  double virtual_bytes = 0;   // 23
  double resident_pages = 0;  // 24
};

std::optional<ProcStat> ReadProcStat() {
  std::ifstream in("/proc/self/stat");
  std::string text;
  std::getline(in, text);
  // The second field is the program's name in brackets and may hold anything.
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string skipped;
  auto skip = [&](int count) {
    while (count-- > 0) fields >> skipped;
  };
  ProcStat stat;
  skip(17);  // 3 to 19
  fields >> stat.threads;
  skip(1);
  fields >> stat.start_ticks >> stat.virtual_bytes >> stat.resident_pages;
  if (!fields) return std::nullopt;
  return stat;
}

std::optional<double> ReadBootTime() {
  std::ifstream in("/proc/stat");
  for (std::string key; in >> key; in.ignore(1 << 20, '\n')) {
    double seconds = 0;
    if (key == "btime" && in >> seconds) return seconds;
  }
  return std::nullopt;
}

// Microseconds that the cgroup (v2, as mounted in a container) was held back by its CPU quota.
std::optional<double> ReadThrottledMicroseconds() {
  std::ifstream in("/sys/fs/cgroup/cpu.stat");
  std::string key;
  for (double value = 0; in >> key >> value;) {
    if (key == "throttled_usec") return value;
  }
  return std::nullopt;
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    families.push_back(Counter("process_cpu_seconds_total",
                               "CPU time of the process, user and system",
                               Seconds(usage.ru_utime) + Seconds(usage.ru_stime)));
  }
  if (const std::optional<ProcStat> stat = ReadProcStat()) {
    families.push_back(Gauge("process_threads", "Threads of the process", stat->threads));
    families.push_back(
        Gauge("process_virtual_memory_bytes", "Virtual memory size", stat->virtual_bytes));
    families.push_back(Gauge("process_resident_memory_bytes", "Resident memory size",
                             stat->resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE))));
    if (const std::optional<double> boot = ReadBootTime()) {
      families.push_back(
          Gauge("process_start_time_seconds", "When the process started, in Unix time",
                *boot + stat->start_ticks / static_cast<double>(sysconf(_SC_CLK_TCK))));
    }
  }
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (!error) {
    families.push_back(
        Gauge("process_open_fds", "Open file descriptors",
              static_cast<double>(std::distance(begin(descriptors), end(descriptors)))));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.push_back(Gauge("process_max_fds", "Limit of open file descriptors",
                             static_cast<double>(limit.rlim_cur)));
  }
  if (const std::optional<std::int64_t> memory_limit = ReadMemoryLimit()) {
    families.push_back(Gauge("synth_memory_limit_bytes",
                             "Memory that the container may take before the kernel ends it",
                             static_cast<double>(*memory_limit)));
  }
  if (const std::optional<double> throttled = ReadThrottledMicroseconds()) {
    families.push_back(Counter("synth_cpu_throttled_seconds_total",
                               "Time that the container was held back by its CPU quota",
                               *throttled * 1e-6));
  }
  families.push_back(Counter("synth_log_dropped_total",
                             "Log lines dropped because nobody read them, or not fast enough",
                             static_cast<double>(DroppedLogLines())));
  families.push_back(Counter("synth_out_of_memory_total",
                             "Calls, texts and batches that failed because memory ran out",
                             static_cast<double>(OutOfMemoryCount())));
  return families;
}

}  // namespace synth::server
