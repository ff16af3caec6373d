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

std::int64_t Sequences::next_value(TableId sequence, std::int64_t start, std::int64_t increment,
                                   const Write& write) {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(sequence);
  State state = found == sequences_.end() ? State{start, 0, increment, std::nullopt} : found->second;
  if (state.increment != increment) {
    state.increment = increment;
    state.reserved = 0;
  }
  const Int128 after = Int128{state.next} + increment;
  if (after > INT64_MAX || after < INT64_MIN) {
    throw Error(ErrorCode::ObjectNotInPrerequisiteState, "nextval: reached the limit of the sequence");
  }
  const std::int64_t value = state.next;
  state.last = value;
  if (state.reserved == 0) {
    // Durable before the first number of the block is given out.
    write(record_of(sequence, state, advanced(value, increment, kBlock)));
    state.reserved = kBlock;
  }
  state.next = static_cast<std::int64_t>(after);
  --state.reserved;
  sequences_[sequence] = state;
  return value;
}

void Sequences::set(TableId sequence, std::int64_t next, const Write& write) {
  const std::lock_guard lock(mutex_);
  const auto found = sequences_.find(sequence);
  State state = found == sequences_.end() ? State{} : found->second;
  state.next = next;
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
