#ifndef SYNTH_CLIENT_INSPECT_REPORT_H_
#define SYNTH_CLIENT_INSPECT_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "client/inspect/inspection.h"

namespace synth::inspect {

// For people.
std::string ReportText(const Inspection& inspection);

// For machines.
nlohmann::ordered_json ReportJson(const Inspection& inspection);

}  // namespace synth::inspect

#endif  // SYNTH_CLIENT_INSPECT_REPORT_H_
