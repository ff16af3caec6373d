// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/session.hpp"

namespace tickstone::engine {

class SessionNotifications;

/// Who listens on which channel, and what waits for them. Threads: any.
class NotificationHub {
 public:
  /// What may wait in all sessions together; past it NOTIFY fails.
  static constexpr std::size_t kQueueBytes = std::size_t{64} << 20;

  /// Held from the check for room to `publish`, so that the order of notifications is that of the commits.
  std::unique_lock<std::mutex> order() { return std::unique_lock(order_mutex_); }
  /// Errors: ProgramLimitExceeded.
  void require_room(std::size_t bytes) const;
  void publish(std::int32_t pid, const std::vector<std::pair<std::string, std::string>>& sent);
  /// What waits, as a part of what may.
  double usage() const;

 private:
  friend class SessionNotifications;
  std::mutex order_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<SessionNotifications*>, std::less<>> listeners_;
  std::size_t queued_bytes_ = 0;
};

/// LISTEN, UNLISTEN and NOTIFY of one session: what its transaction has said, which counts when it commits,
/// and what has come for it. Threads: the session's, but for what the hub puts in.
class SessionNotifications {
 public:
  SessionNotifications(NotificationHub& hub, std::function<void()> wake)
      : hub_(hub), wake_(std::move(wake)) {}
  ~SessionNotifications();
  SessionNotifications(const SessionNotifications&) = delete;
  SessionNotifications& operator=(const SessionNotifications&) = delete;

  void listen(std::string channel) { changes_.push_back({Change::Kind::Listen, std::move(channel)}); }
  void unlisten(std::string channel) { changes_.push_back({Change::Kind::Unlisten, std::move(channel)}); }
  void unlisten_all() { changes_.push_back({Change::Kind::UnlistenAll, {}}); }
  /// The same twice in a transaction is sent once. Errors: InvalidParameterValue.
  void notify(std::string_view channel, std::string_view payload);

  /// What has been said up to here, to go back to.
  struct Mark {
    std::size_t changes = 0, sent = 0;
  };
  Mark mark() const { return {changes_.size(), sent_.size()}; }
  void rollback_to(const Mark& mark);
  void rollback() { rollback_to({}); }

  bool has_sent() const { return !sent_.empty(); }
  std::size_t sent_bytes() const;
  /// The transaction has committed: channels change first, so that a session hears itself.
  void commit(std::int32_t pid);

  const std::set<std::string>& channels() const { return channels_; }
  bool is_listening() const { return !channels_.empty(); }
  bool has_received() const { return has_received_.load(std::memory_order_acquire); }
  std::vector<Notification> take();

 private:
  friend class NotificationHub;
  struct Change {
    enum class Kind : std::uint8_t { Listen, Unlisten, UnlistenAll } kind;
    std::string channel;
  };
  void leave(const std::string& channel);  // the hub's lock is held

  NotificationHub& hub_;
  std::function<void()> wake_;
  std::vector<Change> changes_;
  std::vector<std::pair<std::string, std::string>> sent_;  // channel and payload
  std::set<std::pair<std::string, std::string>> known_;    // the same
  std::set<std::string> channels_;
  std::vector<Notification> received_;  // the hub's lock
  std::atomic<bool> has_received_{false};
};

}  // namespace tickstone::engine
