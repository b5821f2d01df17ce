#include "client/src/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>

namespace synth::client {
namespace {

constexpr std::string_view kLocalhost = "localhost";

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// gRPC takes names with escapes: "%5B" stands for "[".
std::string Unescape(std::string_view text) {
  constexpr std::size_t kEscapeDigits = 2;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string digits(text.substr(i + 1, kEscapeDigits));
    const bool escaped =
        text[i] == '%' && digits.size() == kEscapeDigits &&
        std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isxdigit(c); });
    constexpr int kHex = 16;
    plain.push_back(escaped ? static_cast<char>(std::stoi(digits, nullptr, kHex)) : text[i]);
    if (escaped) i += kEscapeDigits;
  }
  return plain;
}

// Takes the scheme and the authority off: "dns:///host:port", "dns:host:port", "ipv6:[::1]:port".
std::string_view Addresses(std::string_view target) {
  for (const std::string_view scheme : {"dns:", "ipv4:", "ipv6:"}) {
    if (target.substr(0, scheme.size()) != scheme) continue;
    target.remove_prefix(scheme.size());
    if (target.substr(0, 2) == "//") {
      const std::size_t path = target.find('/', 2);
      target.remove_prefix(path == std::string_view::npos ? target.size() : path);
    }
    while (!target.empty() && target.front() == '/') target.remove_prefix(1);
    break;
  }
  return target;
}

// Takes the port off: "host:port", "[::1]:port", "[::1]", "::1".
std::string_view Host(std::string_view address) {
  if (!address.empty() && address.front() == '[') {
    return address.substr(1, address.find(']') - 1);
  }
  const std::size_t colon = address.find(':');
  const bool one_colon = colon != std::string_view::npos && colon == address.rfind(':');
  return one_colon ? address.substr(0, colon) : address;
}

bool IsLocalName(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host == kLocalhost) return true;
  // All names below localhost are this machine's too (RFC 6761).
  return host.size() > kLocalhost.size() &&
         host.substr(host.size() - kLocalhost.size()) == kLocalhost &&
         host[host.size() - kLocalhost.size() - 1] == '.';
}

bool IsLocalV4(std::uint32_t address) {
  constexpr std::uint32_t kNetwork = 127;
  constexpr unsigned kNetworkShift = 24;
  return address == INADDR_ANY || address >> kNetworkShift == kNetwork;
}

bool IsLocalAddress(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return IsLocalV4(ntohl(v4.s_addr));
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  const std::uint8_t* const bytes = v6.s6_addr;
  constexpr std::size_t kMappedPrefix = 12;
  std::uint32_t mapped = 0;
  for (std::size_t i = kMappedPrefix; i < sizeof(v6); ++i) mapped = mapped << 8U | bytes[i];
  if (std::all_of(bytes, bytes + kMappedPrefix, [](std::uint8_t byte) { return byte == 0; })) {
    return mapped <= 1;  // :: and ::1
  }
  constexpr std::size_t kMarkBegin = 10;
  const bool is_mapped =
      bytes[kMarkBegin] == 0xFF && bytes[kMarkBegin + 1] == 0xFF &&
      std::all_of(bytes, bytes + kMarkBegin, [](std::uint8_t byte) { return byte == 0; });
  return is_mapped && IsLocalV4(mapped);
}

}  // namespace

bool IsLoopback(std::string_view target) {
  const std::string plain = Lower(Unescape(target));
  std::string_view rest = Addresses(plain);
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view host = Host(rest.substr(0, comma));
    if (!IsLocalName(host) && !IsLocalAddress(std::string(host))) return false;
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace synth::client
