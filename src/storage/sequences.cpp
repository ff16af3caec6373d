// SPDX-License-Identifier: Apache-2.0
#include "storage/sequences.hpp"

#include <tickstone/error.hpp>

namespace tickstone::storage {

namespace {

std::int64_t advanced(std::int64_t value, std::int64_t increment, std::int64_t steps) {
  const Int128 moved = Int128{value} + Int128{increment} * steps;
  return moved > INT64_MAX ? INT64_MAX : moved < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(moved);
}

SequenceRecord record_of(TableId sequence, const Sequences::State& state, std::int64_t next) {
  SequenceRecord record;
  record.sequence = sequence;
  record.next = next;
  record.increment = state.increment;
  record.has_last = state.last.has_value();
  record.last = state.last.value_or(0);
  return record;
}

}  // namespace

std::optional<std::int64_t> Sequences::next_value(TableId sequence, const SequenceRule& rule,
                                                  const Write& write) {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(sequence);
  State state =
      found == sequences_.end() ? State{rule.start, 0, rule.increment, std::nullopt} : found->second;
  if (state.increment != rule.increment) {
    state.increment = rule.increment;
    state.reserved = 0;
  }
  const auto is_past = [&](std::int64_t value) {
    return rule.increment > 0 ? value > rule.maximum : value < rule.minimum;
  };
  if (is_past(state.next)) {
    if (!rule.cycles) return std::nullopt;
    state.next = rule.increment > 0 ? rule.minimum : rule.maximum;
    state.reserved = 0;
  }
  const std::int64_t value = state.next;
  const std::int64_t after = advanced(value, rule.increment, 1);
  if (after == value) return std::nullopt;  // the end of BIGINT, of which what comes after cannot be kept
  state.last = value;
  if (state.reserved == 0) {
    // Durable before the first number of the block is given out. Not further than the end: what is lost of a
    // block in a crash are numbers of the sequence.
    std::int64_t ahead = advanced(value, rule.increment, kBlock);
    if (is_past(ahead)) ahead = advanced(rule.increment > 0 ? rule.maximum : rule.minimum, rule.increment, 1);
    write(record_of(sequence, state, ahead));
    state.reserved = kBlock;
  }
  state.next = after;
  --state.reserved;
  sequences_[sequence] = state;
  return value;
}

void Sequences::set(TableId sequence, std::int64_t next, std::optional<std::int64_t> last,
                    const Write& write) {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(sequence);
  State state = found == sequences_.end() ? State{} : found->second;
  state.next = next;
  state.last = last;
  state.reserved = 0;
  write(record_of(sequence, state, next));
  sequences_[sequence] = state;
}

std::optional<std::int64_t> Sequences::last_value(TableId sequence) const {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(sequence);
  return found == sequences_.end() ? std::nullopt : found->second.last;
}

void Sequences::drop(TableId sequence, const Write& write) {
  const std::lock_guard lock(mutex_);
  if (!sequences_.contains(sequence)) return;
  SequenceRecord record;
  record.kind = SequenceRecord::Kind::Drop;
  record.sequence = sequence;
  write(record);
  sequences_.erase(sequence);
}

void Sequences::replay(const SequenceRecord& record) {
  const std::lock_guard lock(mutex_);
  if (record.kind == SequenceRecord::Kind::Drop) {
    sequences_.erase(record.sequence);
    return;
  }
  State& state = sequences_[record.sequence];
  state.next = record.next;
  state.reserved = 0;
  state.increment = record.increment;
  state.last = record.has_last ? std::optional(record.last) : std::nullopt;
}

std::vector<SequenceRecord> Sequences::records(bool exactly) const {
  const std::lock_guard lock(mutex_);
  std::vector<SequenceRecord> records;
  for (const auto& [sequence, state] : sequences_) {
    const std::int64_t next = exactly ? state.next : advanced(state.next, state.increment, state.reserved);
    records.push_back(record_of(sequence, state, next));
  }
  return records;
}

}  // namespace tickstone::storage
