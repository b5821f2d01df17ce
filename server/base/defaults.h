#ifndef SYNTH_SERVER_BASE_DEFAULTS_H_
#define SYNTH_SERVER_BASE_DEFAULTS_H_

#include <chrono>
#include <cstdint>

// The defaults of options that stand both in Options (server/options.h), for the operator, and in
// the options of the class that obeys them. The help text takes them from Options;
// docs/configuration.md and README.md say them again, and a test compares.
namespace synth::defaults {

inline constexpr int kMaxBatchTokens = 512;
inline constexpr std::int64_t kMaxQueueTokens = 65536;
inline constexpr std::chrono::milliseconds kMaxQueueTime{10'000};

inline constexpr int kMaxTexts = 1024;
inline constexpr std::int64_t kMaxTextBytes = 262'144;
inline constexpr int kMaxMessageBytes = 4 * 1024 * 1024;

inline constexpr std::chrono::milliseconds kResponseTimeout{30'000};
inline constexpr std::int64_t kMaxUnflushedBytes = 67'108'864;

inline constexpr int kMaxConnections = 10'000;
inline constexpr std::chrono::milliseconds kKeepaliveTimeout{20'000};

}  // namespace synth::defaults

#endif  // SYNTH_SERVER_BASE_DEFAULTS_H_
