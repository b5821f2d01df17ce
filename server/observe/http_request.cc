#include "server/observe/http_request.h"

#include <algorithm>

namespace synth::server {
namespace {

constexpr std::string_view kSpace = " ";

HttpRequest Refused(int status) { return {.status = status, .is_head = false, .path = {}}; }

// A method is a word of capital letters (the registered ones all are).
bool IsMethod(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
}

// What a target may consist of: visible ASCII.
bool IsTarget(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

std::string_view PathOf(std::string_view target) {
  // Proxies may send the whole URL.
  constexpr std::string_view kScheme = "http://";
  if (target.starts_with(kScheme)) {
    target.remove_prefix(kScheme.size());
    const std::size_t slash = target.find('/');
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find_first_of("?#"));
}

HttpRequest ParseRequestLine(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t first = line.find(kSpace);
  const std::size_t last = line.rfind(kSpace);
  if (first == std::string_view::npos || first == last) return Refused(400);
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsMethod(method) || !IsTarget(target) || !version.starts_with("HTTP/")) return Refused(400);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refused(505);
  if (method != "GET" && method != "HEAD") return Refused(405);
  return {.status = 200, .is_head = method == "HEAD", .path = PathOf(target)};
}

// The end of the headers: an empty line. Lines may end in LF alone, as people type them.
bool HasAllHeaders(std::string_view headers) {
  while (true) {
    const std::size_t end = headers.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view line = headers.substr(0, end);
    if (line.empty() || line == "\r") return true;
    headers.remove_prefix(end + 1);
  }
}

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace

HttpRequest ParseHttpRequest(std::string_view received) {
  const bool is_full = received.size() >= kMaxHttpRequestBytes;
  received = received.substr(0, kMaxHttpRequestBytes);
  const std::size_t end = received.find('\n');
  if (end == std::string_view::npos) return Refused(is_full ? 431 : 0);
  const HttpRequest request = ParseRequestLine(received.substr(0, end));
  // What is refused anyway needs no more bytes.
  if (request.status != 200 || HasAllHeaders(received.substr(end + 1))) return request;
  return Refused(is_full ? 431 : 0);
}

std::string HttpResponse(int status, std::string_view content_type, std::string_view body,
                         bool is_head) {
  std::string response = "HTTP/1.1 " + std::to_string(status) + " ";
  response += Reason(status);
  response += "\r\nContent-Type: ";
  response += content_type;
  response += "\r\nContent-Length: " + std::to_string(body.size());
  if (status == 405) response += "\r\nAllow: GET, HEAD";
  response += "\r\nConnection: close\r\n\r\n";
  if (!is_head) response += body;
  return response;
}

}  // namespace synth::server
