// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/histogram.hpp"

namespace tickstone::engine {

enum class StatementKind : std::uint8_t { Select, Insert, Update, Delete, Copy, Other };
inline constexpr std::array<std::string_view, 6> kStatementKinds = {"select", "insert", "update",
                                                                    "delete", "copy",   "other"};

/// Rows that statements wrote, whether they committed or not, as PostgreSQL counts them. Threads: any.
struct TableCounters {
  std::atomic<std::uint64_t> inserted{0}, updated{0}, deleted{0};
  void add(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.fetch_add(by, std::memory_order_relaxed);
  }
};

/// What all sessions count together since the database was opened. Threads: any.
struct RunningCounters {
  using Counter = std::atomic<std::uint64_t>;

  Counter transactions_committed{0}, transactions_rolled_back{0};
  Counter rows_returned{0};  // to clients
  Counter errors{0}, deadlocks{0}, serialization_failures{0}, cancellations{0};
  Counter sessions_started{0};
  std::array<LatencyHistogram, kStatementKinds.size()> statements;  // by StatementKind; without the commit
  LatencyHistogram commits;                                         // of transactions that wrote

  void add(Counter& counter, std::uint64_t by = 1) { counter.fetch_add(by, std::memory_order_relaxed); }
};

}  // namespace tickstone::engine
