// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>
#include <tickstone/positions.hpp>

#include "market/store_rows.hpp"
#include "types/json_text.hpp"

namespace tickstone {
namespace {

constexpr std::string_view kColumns =
    "id, ticker, timestamp, entry_price, stop_price, shares, position_value, risk_amount, stop_percentage, "
    "metadata, "
    "is_focus_ticker";

Position position_from(const DataFrame& frame, std::size_t row) {
  return {.id = frame.get<std::int32_t>(row, 0),
          .ticker = frame.get<std::string>(row, 1),
          .timestamp = frame.get<Timestamp>(row, 2),
          .entry_price = frame.get<Decimal>(row, 3),
          .stop_price = frame.get<std::optional<Decimal>>(row, 4),
          .shares = frame.get<std::int32_t>(row, 5),
          .position_value = frame.get<Decimal>(row, 6),
          .risk_amount = frame.get<std::optional<Decimal>>(row, 7),
          .stop_percentage = frame.get<std::optional<Decimal>>(row, 8),
          .metadata = market::json_at(frame, row, 9),
          .is_focus_ticker = frame.get<std::optional<bool>>(row, 10).value_or(false)};
}

[[noreturn]] void reject(const std::string& reason) {
  throw Error(ErrorCode::CheckViolation, "a row of positions is rejected: " + reason);
}

void check(const NewPosition& position) {
  if (position.ticker.empty()) reject("it has no ticker");
  if (position.shares == 0) reject("it has no shares");
  if (position.timestamp && market::is_infinite(*position.timestamp)) reject("timestamp is infinite");
  if (position.metadata && !market::is_json_object(position.metadata->text))
    reject("its metadata is no JSON object");
}

std::string json_text(std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string json = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      json += '\\';
      json += letter;
    } else if (code < ' ') {
      json += "\\u00";
      json += kHexDigits[code >> 4U];
      json += kHexDigits[code & 0xFU];
    } else {
      json += letter;
    }
  }
  return json + "\"";
}

std::optional<Json> metadata_of(const NewPosition& position) {
  if (position.request_id.empty()) return position.metadata;
  // The last of equal names counts, so ours comes last.
  std::string text = position.metadata ? normalize_jsonb(position.metadata->text) : "{}";
  text.pop_back();
  if (text.size() > 1) text += ", ";
  return Json{text + "\"request_id\": " + json_text(position.request_id) + "}"};
}

Position insert(Executor& executor, const NewPosition& position) {
  static const std::string sql =
      "INSERT INTO positions (ticker, timestamp, entry_price, stop_price, shares, position_value, "
      "risk_amount, "
      "stop_percentage, metadata, is_focus_ticker) VALUES ($1, $2, $3, $4, $5, $3::numeric * $5::integer, "
      "abs(($3::numeric - $4::numeric) * $5::integer), CASE WHEN $3::numeric <> 0 THEN "
      "round(abs(($3::numeric - $4::numeric) / $3::numeric * 100), 16) END, $6, $7) RETURNING " +
      std::string(kColumns);
  const DataFrame frame = executor.get_dataframe(
      sql, {position.ticker, position.timestamp.value_or(current_timestamp()), position.entry_price,
            position.stop_price, position.shares, metadata_of(position), position.is_focus_ticker});
  return position_from(frame, 0);
}

}  // namespace

Position open_position(Executor& executor, const NewPosition& position) {
  check(position);
  if (position.request_id.empty()) return insert(executor, position);
  static const std::string find =
      "SELECT " + std::string(kColumns) +
      " FROM positions WHERE ticker = $1 AND metadata->>'request_id' = $2 ORDER BY id";
  std::optional<Position> opened;
  executor.in_transaction(
      [&](Executor& transaction) {
        const auto find_opened = [&] {
          return market::read_row(transaction, find, {position.ticker, position.request_id}, position_from);
        };
        opened = find_opened();
        if (opened) return;
        // Whoever else is opening one is waited for, and what it has opened is seen by the next query.
        transaction.execute("LOCK TABLE positions IN SHARE ROW EXCLUSIVE MODE");
        opened = find_opened();
        if (!opened) opened = insert(transaction, position);
      },
      true);
  return *opened;
}

std::optional<Position> update_position_stop(Executor& executor, std::int32_t id,
                                             const std::optional<Decimal>& stop_price) {
  static const std::string sql =
      "UPDATE positions SET stop_price = $2, risk_amount = abs((entry_price - $2::numeric) * shares), "
      "stop_percentage = CASE WHEN entry_price <> 0 THEN "
      "round(abs((entry_price - $2::numeric) / entry_price * 100), 16) END WHERE id = $1 RETURNING " +
      std::string(kColumns);
  std::optional<Position> updated;
  executor.in_transaction(
      [&](Executor& transaction) {
        const DataFrame frame = transaction.get_dataframe(sql, {id, stop_price});
        updated.reset();
        if (!frame.is_empty()) updated = position_from(frame, 0);
      },
      true);
  return updated;
}

std::optional<ClosedPosition> close_position(Executor& executor, std::int32_t id,
                                             const std::optional<Decimal>& exit_price) {
  static const std::string sql = "DELETE FROM positions WHERE id = $1 RETURNING " + std::string(kColumns) +
                                 ", ($2::numeric - entry_price) * shares AS profit";
  const DataFrame frame = executor.get_dataframe(sql, {id, exit_price});
  if (frame.is_empty()) return std::nullopt;
  return ClosedPosition{position_from(frame, 0), frame.get<std::optional<Decimal>>(0, "profit")};
}

std::optional<Position> get_position(Executor& executor, std::int32_t id) {
  static const std::string sql = "SELECT " + std::string(kColumns) + " FROM positions WHERE id = $1";
  return market::read_row(executor, sql, {id}, position_from);
}

std::vector<Position> get_positions(Executor& executor, std::optional<std::string_view> ticker) {
  static const std::string select = "SELECT " + std::string(kColumns) + " FROM positions ";
  static const std::string order = "ORDER BY timestamp DESC, id DESC";
  if (!ticker) return market::read_rows(executor, select + order, {}, position_from);
  return market::read_rows(executor, select + "WHERE ticker = $1 " + order, {*ticker}, position_from);
}

}  // namespace tickstone
