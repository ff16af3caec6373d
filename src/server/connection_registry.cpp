// SPDX-License-Identifier: Apache-2.0
#include "server/connection_registry.hpp"

#include <array>
#include <cerrno>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "server/scram.hpp"

namespace tickstone::server {
namespace {

constexpr std::size_t kStrangers =
    64;  // connections beyond the limit that may still be refused in words, or cancel
constexpr std::uint64_t kWakeKey = UINT64_MAX;
constexpr int kOrphanPollMs = 100;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Connection::~Connection() {
  if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
}

int Connection::wake_descriptor() {
  if (wake_descriptor_ < 0) {
    const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made < 0) throw Error(ErrorCode::SystemError, "could not wait for notifications");
    wake_descriptor_ = made;
  }
  return wake_descriptor_;
}

void Connection::wake() {
  const std::uint64_t one = 1;
  if (const int descriptor = wake_descriptor_; descriptor >= 0) [[maybe_unused]]
    const auto written = ::write(descriptor, &one, sizeof(one));
}

void Connection::set_session(engine::Session* session) {
  const std::lock_guard lock(session_mutex_);
  session_ = session;
}

void Connection::cancel() {
  const std::lock_guard lock(session_mutex_);
  if (session_ != nullptr) session_->cancel();
}

void Connection::end(engine::SessionEnd reason) {
  int none = -1;
  if (!end_reason_.compare_exchange_strong(none, static_cast<int>(reason), std::memory_order_acq_rel)) return;
  cancel();
  ::shutdown(descriptor_, SHUT_RD);
}

Connection::Busy::Busy(Connection& connection) : connection_(connection) {
  connection_.busy_since_ns_.store(now_ns(), std::memory_order_relaxed);
}

Connection::Busy::~Busy() { connection_.busy_since_ns_.store(0, std::memory_order_relaxed); }

ConnectionRegistry::ConnectionRegistry(std::size_t max_connections, std::chrono::milliseconds orphan_grace)
    : max_connections_(max_connections), orphan_grace_(orphan_grace) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) throw Error(ErrorCode::SystemError, "could not watch connections");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  watcher_ = std::thread([this] { watch(); });
}

ConnectionRegistry::~ConnectionRegistry() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof(one));
  watcher_.join();
  ::close(wake_);
  ::close(epoll_);
}

std::shared_ptr<Connection> ConnectionRegistry::add(int descriptor) {
  std::int32_t secret;
  fill_random(&secret, sizeof(secret));
  const std::lock_guard lock(mutex_);
  if (is_stopping() || by_pid_.size() >= max_connections_ + kStrangers) return nullptr;
  do {
    last_pid_ = last_pid_ == INT32_MAX ? 1 : last_pid_ + 1;
  } while (by_pid_.contains(last_pid_));
  auto connection = std::make_shared<Connection>(descriptor, last_pid_, secret);
  by_pid_.emplace(last_pid_, connection);
  epoll_event event{};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = static_cast<std::uint64_t>(last_pid_);
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  return connection;
}

void ConnectionRegistry::remove(Connection& connection) {
  connection.set_session(nullptr);
  const std::lock_guard lock(mutex_);
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.descriptor_, nullptr);
  if (connection.is_admitted_) --admitted_count_;
  if (connection.is_gone_) --gone_count_;
  by_pid_.erase(connection.pid());
  removed_.notify_all();
}

void ConnectionRegistry::admit(Connection& connection) {
  const std::lock_guard lock(mutex_);
  if (is_stopping()) {
    throw Error(ErrorCode::CannotConnectNow, "the database system is shutting down")
        .damaging(Damage::Session);
  }
  if (admitted_count_ >= max_connections_) {
    throw Error(ErrorCode::TooManyConnections, "sorry, too many clients already").damaging(Damage::Session);
  }
  connection.is_admitted_ = true;
  ++admitted_count_;
}

void ConnectionRegistry::dismiss(Connection& connection) {
  const std::lock_guard lock(mutex_);
  if (!connection.is_admitted_) return;
  connection.is_admitted_ = false;
  --admitted_count_;
}

void ConnectionRegistry::wait_for_stop(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, duration, [&] { return is_stopping(); });
}

void ConnectionRegistry::cancel(std::int32_t pid, std::int32_t secret) {
  std::shared_ptr<Connection> found;
  {
    const std::lock_guard lock(mutex_);
    const auto at = by_pid_.find(pid);
    if (at == by_pid_.end() || at->second->secret() != secret) return;
    found = at->second;
  }
  found->cancel();
}

void ConnectionRegistry::begin_stop() {
  std::vector<std::shared_ptr<Connection>> all;
  {
    const std::lock_guard lock(mutex_);
    is_stopping_.store(true, std::memory_order_release);
    stopping_.notify_all();
    for (const auto& [pid, connection] : by_pid_) {
      all.push_back(connection);
      ::shutdown(connection->descriptor_, SHUT_RD);
    }
  }
  for (const auto& connection : all) connection->cancel();
}

bool ConnectionRegistry::wait_until_empty(std::chrono::milliseconds grace) {
  // A statement that begins just as the first cancel comes would miss it: keep asking.
  const auto wait_and_cancel = [&](std::unique_lock<std::mutex>& lock) {
    const auto until = std::chrono::steady_clock::now() + grace;
    while (!by_pid_.empty() && std::chrono::steady_clock::now() < until) {
      if (removed_.wait_for(lock, std::chrono::milliseconds(50), [&] { return by_pid_.empty(); })) break;
      std::vector<std::shared_ptr<Connection>> all;
      for (const auto& [pid, connection] : by_pid_) all.push_back(connection);
      lock.unlock();
      for (const auto& connection : all) connection->cancel();
      all.clear();
      lock.lock();
    }
    return by_pid_.empty();
  };
  std::unique_lock lock(mutex_);
  if (wait_and_cancel(lock)) return true;
  for (const auto& [pid, connection] : by_pid_) ::shutdown(connection->descriptor_, SHUT_RDWR);
  return wait_and_cancel(lock);
}

std::size_t ConnectionRegistry::connection_count() const {
  const std::lock_guard lock(mutex_);
  return by_pid_.size();
}

void ConnectionRegistry::watch() {
  std::array<epoll_event, 16> events;
  for (;;) {
    int timeout_ms = -1;
    {
      const std::lock_guard lock(mutex_);
      if (is_closing_) return;
      if (gone_count_ > 0) timeout_ms = kOrphanPollMs;
    }
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    {
      const std::lock_guard lock(mutex_);
      for (int i = 0; i < count; ++i) {
        const auto key = events[static_cast<std::size_t>(i)].data.u64;
        if (key == kWakeKey) continue;
        const auto at = by_pid_.find(static_cast<std::int32_t>(key));
        if (at == by_pid_.end() || at->second->is_gone_) continue;
        at->second->is_gone_ = true;
        ++gone_count_;
      }
    }
    cancel_orphans();
  }
}

void ConnectionRegistry::cancel_orphans() {
  std::vector<std::shared_ptr<Connection>> orphans;
  {
    const std::lock_guard lock(mutex_);
    if (gone_count_ == 0) return;
    const auto limit = now_ns() - std::chrono::nanoseconds(orphan_grace_).count();
    for (const auto& [pid, connection] : by_pid_) {
      const auto since = connection->busy_since_ns_.load(std::memory_order_relaxed);
      if (connection->is_gone_ && since != 0 && since <= limit) orphans.push_back(connection);
    }
  }
  for (const auto& orphan : orphans) orphan->cancel();
}

}  // namespace tickstone::server
