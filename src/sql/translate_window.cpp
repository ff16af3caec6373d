// SPDX-License-Identifier: Apache-2.0
#include "sql/translate_window.hpp"

#include <fmt/format.h>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

// The bits of a window's frame.
constexpr int kNonDefault = 0x00001;
constexpr int kRange = 0x00002;
constexpr int kRows = 0x00004;
constexpr int kBetween = 0x00010;
constexpr int kStartUnboundedPreceding = 0x00020;
constexpr int kEndUnboundedPreceding = 0x00040;
constexpr int kStartUnboundedFollowing = 0x00080;
constexpr int kEndUnboundedFollowing = 0x00100;
constexpr int kStartCurrentRow = 0x00200;
constexpr int kEndCurrentRow = 0x00400;
constexpr int kStartOffsetPreceding = 0x00800;
constexpr int kEndOffsetPreceding = 0x01000;
constexpr int kStartOffsetFollowing = 0x02000;
constexpr int kEndOffsetFollowing = 0x04000;
constexpr int kExcludeCurrentRow = 0x08000;
constexpr int kExcludeGroup = 0x10000;
constexpr int kExcludeTies = 0x20000;

}  // namespace

std::string counted_in_frame(std::string text, const PgQuery__FuncCall& call) {
  if (call.agg_star == 0 || call.over == nullptr) return text;
  const int frame = call.over->frame_options;
  const bool are_both_away = (frame & (kStartOffsetPreceding | kStartOffsetFollowing)) != 0 &&
                             (frame & (kEndOffsetPreceding | kEndOffsetFollowing)) != 0;
  // The frame of a window by name is not looked at.
  if (!are_both_away && *call.over->name == '\0') return text;
  return "greatest(" + text + ", 0)";
}

std::string Translator::window(const PgQuery__WindowDef& definition, const Scope& scope) {
  if (*definition.name != '\0') return duck_identifier(definition.name);
  return window_body(definition, scope);
}

std::string Translator::window_body(const PgQuery__WindowDef& definition, const Scope& scope) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    if (!text.empty() && !part.empty()) text += ' ';
    text += part;
  };
  if (*definition.refname != '\0') add(duck_identifier(definition.refname));
  std::string partition;
  for (std::size_t i = 0; i < definition.n_partition_clause; ++i) {
    partition +=
        (i > 0 ? ", " : "PARTITION BY ") + jsonb_key(expression(definition.partition_clause[i], scope)).text;
  }
  add(partition);
  if (definition.n_order_clause > 0)
    add(order_clause(definition.n_order_clause, definition.order_clause, scope, nullptr).substr(1));
  const int frame = definition.frame_options;
  if ((frame & kNonDefault) != 0) {
    std::optional<SqlType> offset_type;
    if ((frame & kRange) != 0 && definition.n_order_clause == 1) {
      const Typed key = expression(definition.order_clause[0]->sort_by->node, scope);
      const bool is_moment =
          key.has_type(TypeId::Date) || key.has_type(TypeId::Timestamp) || key.has_type(TypeId::TimestampTz);
      offset_type = is_moment ? SqlType::of(TypeId::Interval) : key.type;
      if ((definition.start_offset != nullptr || definition.end_offset != nullptr) && key.type &&
          !key.type->is_array && is_text_like(key.type->id)) {
        refuse("RANGE with an offset of texts", definition.location);
      }
    } else {
      offset_type = SqlType::of(TypeId::BigInt);
    }
    const auto offset = [&](const Node* node) {
      Typed value = expression(node, scope);
      if (value.literal.starts_with("-")) {
        throw located(Error(ErrorCode::InvalidParameterValue, "frame offset must not be negative"),
                      definition.location);
      }
      if (offset_type) value = coerced(std::move(value), *offset_type);
      return operand(value);
    };
    std::string start;
    if ((frame & kStartUnboundedPreceding) != 0) {
      start = "UNBOUNDED PRECEDING";
    } else if ((frame & kStartUnboundedFollowing) != 0) {
      start = "UNBOUNDED FOLLOWING";
    } else if ((frame & kStartCurrentRow) != 0) {
      start = "CURRENT ROW";
    } else {
      start = offset(definition.start_offset) +
              ((frame & kStartOffsetPreceding) != 0 ? " PRECEDING" : " FOLLOWING");
    }
    std::string end;
    if ((frame & kEndUnboundedFollowing) != 0) {
      end = "UNBOUNDED FOLLOWING";
    } else if ((frame & kEndUnboundedPreceding) != 0) {
      end = "UNBOUNDED PRECEDING";
    } else if ((frame & kEndCurrentRow) != 0) {
      end = "CURRENT ROW";
    } else {
      end =
          offset(definition.end_offset) + ((frame & kEndOffsetPreceding) != 0 ? " PRECEDING" : " FOLLOWING");
    }
    const char* unit = (frame & kRows) != 0 ? "ROWS" : (frame & kRange) != 0 ? "RANGE" : "GROUPS";
    std::string clause = (frame & kBetween) != 0 ? fmt::format("{} BETWEEN {} AND {}", unit, start, end)
                                                 : fmt::format("{} {}", unit, start);
    if ((frame & kExcludeCurrentRow) != 0) clause += " EXCLUDE CURRENT ROW";
    if ((frame & kExcludeGroup) != 0) clause += " EXCLUDE GROUP";
    if ((frame & kExcludeTies) != 0) clause += " EXCLUDE TIES";
    add(clause);
  }
  return "(" + text + ")";
}

}  // namespace tickstone::sql
