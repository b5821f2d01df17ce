#ifndef SYNTH_CLIENT_LOAD_REPORT_H_
#define SYNTH_CLIENT_LOAD_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "client/load/generator.h"

namespace synth::load {

// For people. Times in milliseconds.
std::string ReportText(const LoadOptions& options, const LoadReport& report);

// For machines. Times in seconds.
nlohmann::ordered_json ReportJson(const LoadOptions& options, const LoadReport& report);

}  // namespace synth::load

#endif  // SYNTH_CLIENT_LOAD_REPORT_H_
