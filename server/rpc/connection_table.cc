#include "server/rpc/connection_table.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <iterator>
#include <utility>

namespace synth::server {
namespace {

// A flood of refused connections spends at most one part in so many of its time on sweeps.
constexpr int kSweepShare = 10;

}  // namespace

bool ConnectionTable::Key::IsAt(int other) const {
  struct stat found {};
  return fstat(other, &found) == 0 && found.st_dev == device && found.st_ino == inode;
}

FileDescriptor ConnectionTable::Key::Duplicate() const {
  FileDescriptor duplicate(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  return IsAt(duplicate.get()) ? std::move(duplicate) : FileDescriptor();
}

ConnectionTable::Verdict ConnectionTable::Admit(int descriptor, const std::string& host) {
  const MutexLock lock(mutex_);
  // A descriptor that comes again was closed in between.
  if (const auto old = connections_.find(descriptor); old != connections_.end()) Remove(old);
  Verdict verdict = Check(host);
  if (verdict != Verdict::kAdmitted && Clock::now() >= next_sweep_) {
    Sweep();
    verdict = Check(host);
  }
  if (verdict == Verdict::kAdmitted) Add(descriptor, host);
  return verdict;
}

void ConnectionTable::AdmitAlways(int descriptor, const std::string& host) {
  const MutexLock lock(mutex_);
  if (const auto old = connections_.find(descriptor); old != connections_.end()) Remove(old);
  Add(descriptor, host);
}

int ConnectionTable::CountOpen() {
  const MutexLock lock(mutex_);
  Sweep();
  return static_cast<int>(connections_.size());
}

void ConnectionTable::Delay(const std::string& host) {
  const TimePoint now = Clock::now();
  const MutexLock lock(mutex_);
  std::erase_if(delayed_until_, [now](const auto& entry) { return entry.second <= now; });
  delayed_until_[host] = now + kDelay;
}

TimePoint ConnectionTable::DelayedUntil(const std::string& host) {
  const MutexLock lock(mutex_);
  const auto found = delayed_until_.find(host);
  return found == delayed_until_.end() ? TimePoint::min() : found->second;
}

std::vector<ConnectionTable::Key> ConnectionTable::List() {
  const MutexLock lock(mutex_);
  std::vector<Key> keys;
  keys.reserve(connections_.size());
  for (const auto& [descriptor, connection] : connections_) keys.push_back(connection.key);
  return keys;
}

void ConnectionTable::FinishSending() {
  for (const Key& key : List()) shutdown(key.Duplicate().get(), SHUT_WR);
}

ConnectionTable::Verdict ConnectionTable::Check(const std::string& host) const {
  if (connections_.size() >= static_cast<std::size_t>(limits_.total)) return Verdict::kTotalReached;
  if (limits_.per_address > 0) {
    const auto count = per_host_.find(host);
    if (count != per_host_.end() && count->second >= limits_.per_address)
      return Verdict::kAddressReached;
  }
  return Verdict::kAdmitted;
}

void ConnectionTable::Add(int descriptor, const std::string& host) {
  struct stat found {};
  if (fstat(descriptor, &found) != 0) return;
  connections_[descriptor] = {
      .key = {.descriptor = descriptor, .device = found.st_dev, .inode = found.st_ino},
      .host = host};
  ++per_host_[host];
}

ConnectionTable::Connections::iterator ConnectionTable::Remove(Connections::iterator connection) {
  const auto count = per_host_.find(connection->second.host);
  if (--count->second == 0) per_host_.erase(count);
  return connections_.erase(connection);
}

void ConnectionTable::Sweep() {
  const TimePoint start = Clock::now();
  for (auto it = connections_.begin(); it != connections_.end();) {
    it = it->second.key.IsAt(it->first) ? std::next(it) : Remove(it);
  }
  const TimePoint end = Clock::now();
  next_sweep_ = end + (end - start) * (kSweepShare - 1);
}

}  // namespace synth::server
