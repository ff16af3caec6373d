// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/database_manager.hpp>

namespace tickstone {

/// What a position is opened with.
struct NewPosition {
  std::string ticker;
  Decimal entry_price;
  std::int32_t shares = 0;  // negative: short
  std::optional<Decimal> stop_price;
  std::optional<Timestamp> timestamp;  // none: now
  std::optional<Json> metadata;        // an object
  bool is_focus_ticker = false;
  /// A name of yours for this order, kept in the metadata: opening it again returns the position that is
  /// there, so it can be repeated after any failure. Empty: none.
  std::string request_id;
};

/// A row of `positions`: one that is open.
struct Position {
  std::int32_t id = 0;
  std::string ticker;
  Timestamp timestamp;
  Decimal entry_price;
  std::optional<Decimal> stop_price;
  std::int32_t shares = 0;
  Decimal position_value;  // entry_price * shares
  std::optional<Decimal>
      risk_amount;  // what the stop would lose or keep: |entry_price - stop_price| * |shares|
  std::optional<Decimal> stop_percentage;  // the stop's distance of the entry, in percent, to 16 digits
  std::optional<Json> metadata;
  bool is_focus_ticker = false;
};

/// A position that was closed, and is not stored any more.
struct ClosedPosition {
  Position position;
  std::optional<Decimal> profit;  // (exit_price - entry_price) * shares, where an exit price was given
};

/// Opens a position; value, risk and percentage follow from prices and shares, exactly.
///
/// Errors: CheckViolation (23514) for no ticker, no shares, an infinite time or metadata that is no JSON
/// object; ConnectionFailure (08006) where the connection is lost during the commit, unless a request_id lets
/// it be repeated. Of calls with one request_id at the same moment one opens the position and all return it:
/// a new request_id holds other writers of the table up until its transaction ends. Within a Transaction that
/// holds for READ COMMITTED alone: at REPEATABLE READ a position that was opened since is not seen.
Position open_position(Executor& executor, const NewPosition& position);

/// Moves the stop, or takes it away, and what follows from it. Nothing where no such position is open. A stop
/// beyond the entry is kept: it secures a profit.
std::optional<Position> update_position_stop(Executor& executor, std::int32_t id,
                                             const std::optional<Decimal>& stop_price);
/// Takes a position out of the table and returns it. Nothing where no such position is open.
std::optional<ClosedPosition> close_position(Executor& executor, std::int32_t id,
                                             const std::optional<Decimal>& exit_price = std::nullopt);

std::optional<Position> get_position(Executor& executor, std::int32_t id);
/// Open positions, newest first; of one ticker where it is given.
std::vector<Position> get_positions(Executor& executor,
                                    std::optional<std::string_view> ticker = std::nullopt);

}  // namespace tickstone
