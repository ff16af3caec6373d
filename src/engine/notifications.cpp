// SPDX-License-Identifier: Apache-2.0
#include "engine/notifications.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

constexpr std::size_t kChannelBytes = 64;    // NAMEDATALEN
constexpr std::size_t kPayloadBytes = 8000;  // NOTIFY_PAYLOAD_MAX_LENGTH of pages of 8 kB

std::size_t bytes_of(const Notification& notification) {
  return sizeof(Notification) + notification.channel.size() + notification.payload.size();
}

}  // namespace

void NotificationHub::require_room(std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  if (queued_bytes_ + bytes <= kQueueBytes) return;
  throw Error(ErrorCode::ProgramLimitExceeded, "too many notifications in the NOTIFY queue", {},
              "Sessions that listen have to end their transactions to receive what waits for them.");
}

void NotificationHub::publish(std::int32_t pid,
                              const std::vector<std::pair<std::string, std::string>>& sent) {
  const std::lock_guard lock(mutex_);
  std::set<SessionNotifications*> woken;
  for (const auto& [channel, payload] : sent) {
    const auto at = listeners_.find(channel);
    if (at == listeners_.end()) continue;
    for (auto* listener : at->second) {
      listener->received_.push_back({pid, channel, payload});
      queued_bytes_ += bytes_of(listener->received_.back());
      listener->has_received_.store(true, std::memory_order_release);
      woken.insert(listener);
    }
  }
  // Under the lock: whoever is woken is there until it has left its channels.
  for (const auto* listener : woken) {
    if (listener->wake_) listener->wake_();
  }
}

double NotificationHub::usage() const {
  const std::lock_guard lock(mutex_);
  return static_cast<double>(queued_bytes_) / static_cast<double>(kQueueBytes);
}

SessionNotifications::~SessionNotifications() {
  const std::lock_guard lock(hub_.mutex_);
  for (const auto& channel : channels_) leave(channel);
  for (const auto& notification : received_) hub_.queued_bytes_ -= bytes_of(notification);
}

void SessionNotifications::leave(const std::string& channel) {
  const auto at = hub_.listeners_.find(channel);
  if (at == hub_.listeners_.end()) return;
  std::erase(at->second, this);
  if (at->second.empty()) hub_.listeners_.erase(at);
}

void SessionNotifications::notify(std::string_view channel, std::string_view payload) {
  if (channel.empty()) throw Error(ErrorCode::InvalidParameterValue, "channel name cannot be empty");
  if (channel.size() >= kChannelBytes) throw Error(ErrorCode::InvalidParameterValue, "channel name too long");
  if (payload.size() >= kPayloadBytes)
    throw Error(ErrorCode::InvalidParameterValue, "payload string too long");
  std::pair<std::string, std::string> said(channel, payload);
  if (known_.insert(said).second) sent_.push_back(std::move(said));
}

void SessionNotifications::rollback_to(const Mark& mark) {
  changes_.resize(std::min(mark.changes, changes_.size()));
  for (; sent_.size() > mark.sent; sent_.pop_back()) known_.erase(sent_.back());
}

std::size_t SessionNotifications::sent_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [channel, payload] : sent_)
    bytes += sizeof(Notification) + channel.size() + payload.size();
  return bytes;
}

void SessionNotifications::commit(std::int32_t pid) {
  if (!changes_.empty()) {
    const std::lock_guard lock(hub_.mutex_);
    for (const auto& change : changes_) {
      switch (change.kind) {
        case Change::Kind::Listen:
          if (channels_.insert(change.channel).second) hub_.listeners_[change.channel].push_back(this);
          break;
        case Change::Kind::Unlisten:
          if (channels_.erase(change.channel) > 0) leave(change.channel);
          break;
        case Change::Kind::UnlistenAll:
          for (const auto& channel : channels_) leave(channel);
          channels_.clear();
          break;
      }
    }
  }
  if (!sent_.empty()) hub_.publish(pid, sent_);
  rollback();
}

std::vector<Notification> SessionNotifications::take() {
  const std::lock_guard lock(hub_.mutex_);
  has_received_.store(false, std::memory_order_release);
  for (const auto& notification : received_) hub_.queued_bytes_ -= bytes_of(notification);
  return std::exchange(received_, {});
}

}  // namespace tickstone::engine
