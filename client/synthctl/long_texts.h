// What classify and encode ask for texts that are too long for the model.
#ifndef SYNTH_CLIENT_SYNTHCTL_LONG_TEXTS_H_
#define SYNTH_CLIENT_SYNTHCTL_LONG_TEXTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "synth/v1/inference.pb.h"

namespace synth::synthctl {

struct LongTextOptions {
  v1::Truncation truncation = v1::TRUNCATION_END;
  std::optional<std::uint32_t> window_overlap;

  // Request: EncodeRequest or ClassifyRequest.
  template <typename Request>
  void SetIn(Request& request) const {
    request.set_truncation(truncation);
    if (window_overlap) request.set_window_overlap(*window_overlap);
  }
};

inline void AddLongTextOptions(CLI::App& command, LongTextOptions& options) {
  static const std::map<std::string, v1::Truncation> kNames = {{"end", v1::TRUNCATION_END},
                                                               {"none", v1::TRUNCATION_NONE},
                                                               {"windows", v1::TRUNCATION_WINDOWS}};
  command
      .add_option("--truncation", options.truncation,
                  "of texts that are too long for the model: cut their end off, none (they fail), "
                  "or compute them in windows and pool over these")
      ->transform(CLI::CheckedTransformer(kNames).description(""))
      ->type_name("end|none|windows")
      ->default_str("end");
  command
      .add_option("--window-overlap", options.window_overlap,
                  "with --truncation windows: tokens that a window shares with the next, at least; "
                  "an eighth of the model's unless given")
      ->type_name("TOKENS");
}

}  // namespace synth::synthctl

#endif  // SYNTH_CLIENT_SYNTHCTL_LONG_TEXTS_H_
