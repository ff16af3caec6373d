// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "storage/commit_record.hpp"
#include "storage/schema.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

/// Numbers given out once. The log is always ahead by up to a block, so that a crash skips numbers and
/// repeats none.
///
/// Threads: any.
class Sequences {
 public:
  static constexpr std::int64_t kBlock = 32;

  struct State {
    std::int64_t next = 0;
    std::int64_t reserved = 0;  // values left that the log allows
    std::int64_t increment = 1;
    std::optional<std::int64_t> last;
  };

  /// `write` makes a record durable.
  using Write = std::function<void(const SequenceRecord&)>;

  /// Nothing when the last one was given out and the rule does not cycle.
  std::optional<std::int64_t> next_value(TableId sequence, const SequenceRule& rule, const Write& write);
  void set(TableId sequence, std::int64_t next, std::optional<std::int64_t> last, const Write& write);
  std::optional<std::int64_t> last_value(TableId sequence) const;
  void drop(TableId sequence, const Write& write);

  void replay(const SequenceRecord& record);
  /// What a manifest must hold: where numbers go on after a crash, or, `exactly`, where they go on.
  std::vector<SequenceRecord> records(bool exactly) const;

 private:
  mutable std::mutex mutex_;
  std::map<TableId, State> sequences_;
};

}  // namespace tickstone::storage
