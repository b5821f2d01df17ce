#include "server/rpc/pending_responses.h"

namespace synth::server {

PendingResponses::PendingResponses(const Options& options)
    : options_(options), thread_([this] { CancelExpired(); }) {}

PendingResponses::~PendingResponses() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    stopped_.notify_all();
  }
  thread_.join();
}

bool PendingResponses::Add(Entry& entry, std::size_t bytes, grpc::ServerContextBase& context) {
  const MutexLock lock(mutex_);
  const auto more = static_cast<std::int64_t>(bytes);
  // A response that is too large by itself goes out while no other is there.
  if (bytes_ > 0 && bytes_ + more > options_.max_bytes) return false;
  bytes_ += more;
  entry.context_ = &context;
  entry.bytes_ = bytes;
  entry.expires_ = Clock::now() + options_.max_age;
  entry.is_listed_ = true;
  entry.place_ = entries_.insert(entries_.end(), &entry);
  return true;
}

void PendingResponses::Remove(Entry& entry) {
  const MutexLock lock(mutex_);
  if (!entry.is_listed_) return;
  // The context must stay until TryCancel is done with it. TryCancel may itself end the call, on
  // this class's own thread, and does not touch the context after that.
  while (entry.is_cancelling_ && std::this_thread::get_id() != thread_.get_id()) {
    mutex_.Wait(changed_);
  }
  entry.is_listed_ = false;
  bytes_ -= static_cast<std::int64_t>(entry.bytes_);
  entries_.erase(entry.place_);
  if (entries_.empty()) changed_.notify_all();
}

std::int64_t PendingResponses::bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

bool PendingResponses::WaitUntilEmpty(TimePoint deadline) {
  const MutexLock lock(mutex_);
  while (!entries_.empty()) {
    if (!mutex_.WaitUntil(changed_, deadline)) return entries_.empty();
  }
  return true;
}

void PendingResponses::CancelExpired() {
  mutex_.Lock();
  while (!is_stopping_) {
    if (entries_.empty()) {
      // Whatever comes meanwhile expires later than that. Nothing wakes this thread for a response,
      // for almost every one is gone in microseconds.
      mutex_.WaitUntil(stopped_, Clock::now() + options_.max_age);
      continue;
    }
    Entry& oldest = *entries_.front();
    if (oldest.expires_ > Clock::now()) {
      mutex_.WaitUntil(stopped_, oldest.expires_);
      continue;
    }
    // Once is enough: to the end of the list, so that it is not the oldest again.
    oldest.expires_ = Clock::now() + options_.max_age;
    entries_.splice(entries_.end(), entries_, oldest.place_);
    oldest.is_cancelling_ = true;
    grpc::ServerContextBase& context = *oldest.context_;
    mutex_.Unlock();
    context.TryCancel();
    mutex_.Lock();
    // If TryCancel ended the call on this thread, the entry is gone.
    for (Entry* entry : entries_) entry->is_cancelling_ = false;
    changed_.notify_all();
  }
  mutex_.Unlock();
}

}  // namespace synth::server
