// SPDX-License-Identifier: Apache-2.0
#include "engine/sequence_relation.hpp"

#include "storage/sequence_state.hpp"

namespace tickstone::engine {

std::vector<catalog::SystemColumn> sequence_columns() {
  return {{"last_value", SqlType::of(TypeId::BigInt)},
          {"log_cnt", SqlType::of(TypeId::BigInt)},
          {"is_called", SqlType::of(TypeId::Boolean)}};
}

Batch sequence_row(const storage::Store& store, const catalog::RelationObject& sequence) {
  const auto& info = *sequence.sequence;
  const auto state = storage::sequence_state(store, sequence.oid);
  const bool is_called = state && state->is_called;
  std::int64_t last = state ? state->next : info.start;
  if (is_called) {
    // What is next is certain, also after a crash, when numbers that were given may not be known.
    const Int128 before = Int128{last} - info.increment;
    const bool is_kept = before >= info.minimum && before <= info.maximum;
    last =
        is_kept ? static_cast<std::int64_t>(before) : store.last_sequence_value(sequence.oid).value_or(last);
  }
  Batch batch;
  for (const auto& column : sequence_columns()) batch.columns.emplace_back(column.type);
  batch.columns[0].append_fixed<std::int64_t>(last);
  batch.columns[1].append_fixed<std::int64_t>(0);
  batch.columns[2].append_fixed<std::uint8_t>(is_called ? 1 : 0);
  return batch;
}

}  // namespace tickstone::engine
