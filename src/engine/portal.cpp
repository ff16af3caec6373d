// SPDX-License-Identifier: Apache-2.0
#include "engine/portal.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tickstone::engine {

void Portal::count() noexcept {
  if (recorder == nullptr || taken_ns == 0) return;
  recorder->ended(prepared->slot, prepared->statement->text, "SELECT " + std::to_string(row_count),
                  std::exchange(taken_ns, 0));
}

std::uint64_t Portal::send(SessionContext& context, std::uint64_t limit, ResultSink& sink) {
  std::uint64_t sent = 0;
  while (!is_done && sent < limit) {
    context.check_cancelled();
    if (pending_row >= pending.row_count()) {
      pending_row = 0;
      if (!stream->next(pending, duck::LongNumbers::AsText)) {
        is_done = true;
        stream.reset();
        break;
      }
      fit_to_columns(pending, columns(), context.settings().format_context());
    }
    const std::size_t available = pending.row_count() - pending_row;
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(available, limit - sent));
    if (take == pending.row_count()) {
      sink.rows(pending);
    } else {
      std::vector<std::uint32_t> rows(take);
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(pending_row));
      Batch part;
      for (const auto& column : pending.columns) {
        part.columns.emplace_back(column.type(), column.layout());
        part.columns.back().append_rows(column.view(), rows.data(), take);
      }
      part.zero_column_rows = take;
      sink.rows(part);
    }
    pending_row += take;
    sent += take;
  }
  return sent;
}

}  // namespace tickstone::engine
