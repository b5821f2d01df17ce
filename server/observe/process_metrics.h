#ifndef SYNTH_SERVER_OBSERVE_PROCESS_METRICS_H_
#define SYNTH_SERVER_OBSERVE_PROCESS_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace synth::server {

// The metrics of the process as a whole, read at each scrape: the standard process_* metrics of
// Prometheus client libraries, from /proc; throttling and the memory limit, if the cgroup has them;
// and the counters of server/base. What cannot be read is left out.
class ProcessCollector final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace synth::server

#endif  // SYNTH_SERVER_OBSERVE_PROCESS_METRICS_H_
