// SPDX-License-Identifier: Apache-2.0
// Whether rows are as new as they should be, and there once.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tickstone/error.hpp>

#include "market/check_context.hpp"
#include "market/checked_table.hpp"

namespace tickstone::market {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

/// A symbol whose bars of minutes have stopped for longer is one of which only those of days are collected.
constexpr auto kShorterBarsLast = days(60);

/// When a symbol's rows are known up to: of bars to their end.
using NewestBySymbol = std::map<std::string, Timestamp>;

/// A bar of a day is all there is until the close of the next session.
Timestamp known_until(const TradingCalendar& calendar, Timestamp bar, std::optional<microseconds> width) {
  if (!width) return bar;
  if (*width < days(1)) return bar + *width;
  const Timestamp after = std::chrono::floor<days>(bar) + days(1);
  const auto sessions = calendar.sessions_between(after, after + days(14));
  for (const auto& session : sessions) {
    if (session.day >= after) return session.close;
  }
  return after;
}

void keep_newer(NewestBySymbol& newest, const std::string& symbol, Timestamp until) {
  auto [at, is_new] = newest.try_emplace(symbol, until);
  if (!is_new) at->second = std::max(at->second, until);
}

class Freshness {
 public:
  Freshness(CheckContext& context, const CheckedTable& table) : context_(context), table_(table) {}

  /// Of symbols with rows in the time that is looked at, and of those expected that have any.
  NewestBySymbol read(const std::set<std::string>& expected) {
    const Timestamp start = context_.now - context_.options.since;
    // Most symbols have a row that is new enough: only of the others is it worth looking further back.
    const bool is_short = !table_.has_timeframe && !expected.empty();
    read_since(is_short ? std::max(start, context_.calendar.before_open_time(context_.now,
                                                                             context_.options.warn_age))
                        : start,
               context_.options.symbols);
    std::vector<std::string> behind, of_days;
    for (const auto& symbol : expected) {
      if (!newest_.contains(symbol) && !newest_of_days_.contains(symbol)) behind.push_back(symbol);
    }
    if (!behind.empty()) read_since({}, behind);
    for (const auto& [symbol, until] : newest_of_days_) {
      if (!newest_.contains(symbol)) of_days.push_back(symbol);
    }
    if (!of_days.empty()) read_since(context_.now - kShorterBarsLast, of_days);
    // A bar of a day must not hide that the minutes have stopped: it counts where there are no shorter ones.
    newest_.insert(newest_of_days_.begin(), newest_of_days_.end());
    return std::move(newest_);
  }

 private:
  void read_since(std::optional<Timestamp> start, const std::vector<std::string>& symbols) {
    const std::string timeframe = table_.has_timeframe ? ", timeframe" : "";
    std::string sql = fmt::format("SELECT {0}, {1}{2} FROM {3} WHERE {4} <= {5}", table_.symbol,
                                  micros_sql("max(" + table_.time + ")"), timeframe, table_.name, table_.time,
                                  time_sql(context_.now));
    if (start) sql += fmt::format(" AND {} >= {}", table_.time, time_sql(*start));
    if (!symbols.empty()) sql += fmt::format(" AND {} IN {}", table_.symbol, list_sql(symbols));
    for (const auto& row : context_.rows(sql + " GROUP BY " + table_.symbol + timeframe)) {
      const auto time = time_of(row[1]);
      if (!time) continue;
      const auto width = table_.has_timeframe ? width_of_timeframe(text_of(row[2])) : std::nullopt;
      const std::string symbol = text_of(row[0]);
      auto& newest = width == days(1) ? newest_of_days_ : newest_;
      keep_newer(newest, symbol, known_until(context_.calendar, *time, width));
    }
  }

  CheckContext& context_;
  const CheckedTable& table_;
  NewestBySymbol newest_, newest_of_days_;
};

/// The active ones of `symbols`, and those that are not: rows of these are nobody's concern.
struct KnownSymbols {
  std::set<std::string> active, inactive;
};

KnownSymbols known_symbols(CheckContext& context) {
  KnownSymbols known;
  if (!context.options.symbols.empty()) {
    known.active.insert(context.options.symbols.begin(), context.options.symbols.end());
    return known;
  }
  if (!context.has_relation("symbols")) return known;
  for (const auto& row : context.rows("SELECT symbol, coalesce(active, true) FROM symbols"))
    (truth_of(row[1]) ? known.active : known.inactive).insert(text_of(row[0]));
  return known;
}

/// Nothing of the table, or nothing in the time that is looked at.
void judge_silence(CheckContext& context, const CheckedTable& table, CheckResult& result,
                   std::vector<std::string>& parts) {
  const auto last = time_of(
      context.rows(fmt::format("SELECT {} FROM {}", micros_sql("max(" + table.time + ")"), table.name))
          .at(0)
          .at(0));
  parts.push_back(last ? fmt::format("{}: nothing after {}", table.shown_name, moment_text(*last))
                       : table.shown_name + ": no rows");
  worsen(result.status, CheckStatus::Critical);
}

void judge_freshness(CheckContext& context, const CheckedTable& table, const KnownSymbols& known,
                     CheckResult& result, std::vector<std::string>& parts) {
  const NewestBySymbol newest = Freshness(context, table).read(known.active);
  const auto& options = context.options;
  struct Stale {
    std::string symbol;
    std::optional<Timestamp> until;
    microseconds age;
  };
  std::vector<Stale> stale;
  microseconds oldest{0};
  std::size_t count = 0;
  for (const auto& [symbol, until] : newest) {
    if (known.inactive.contains(symbol)) continue;
    ++count;
    const microseconds age = context.calendar.open_time_between(until, context.now);
    oldest = std::max(oldest, age);
    if (age > options.warn_age) stale.push_back({symbol, until, age});
  }
  // One that never had a row is not collected into this table, unless it was asked for.
  for (const auto& symbol : options.symbols) {
    if (newest.contains(symbol)) continue;
    ++count;
    stale.push_back({symbol, {}, microseconds::max()});
  }
  if (count == 0) return judge_silence(context, table, result, parts);
  std::ranges::stable_sort(stale, [](const Stale& a, const Stale& b) { return a.age > b.age; });
  for (const auto& one : stale) {
    const auto status = one.age > options.critical_age ? CheckStatus::Critical : CheckStatus::Warning;
    result.items.push_back({status, table.shown_name + " " + one.symbol,
                            one.until ? fmt::format("nothing after {}, {} of trading ago",
                                                    moment_text(*one.until), duration_text(one.age))
                                      : "no rows"});
    worsen(result.status, status);
  }
  parts.push_back(stale.empty()
                      ? fmt::format("{}: {}, at most {} behind", table.shown_name,
                                    counted_text(count, "symbol"), duration_text(oldest))
                      : fmt::format("{}: {} of {} more than {} behind", table.shown_name, stale.size(),
                                    counted_text(count, "symbol"), duration_text(options.warn_age)));
}

}  // namespace

CheckResult check_freshness(CheckContext& context) {
  CheckResult result;
  const auto tables = checked_tables(context, result);
  const KnownSymbols known = known_symbols(context);
  std::vector<std::string> parts;
  for (const auto& table : tables) judge_freshness(context, table, known, result, parts);
  if (tables.empty() && result.items.empty()) {
    result.status = CheckStatus::Warning;
    parts.push_back("ohlcv, trades and quotes have no rows");
    result.remedy = "Load some: tickstone import, or the collector.";
  } else if (result.status != CheckStatus::Ok) {
    result.remedy =
        "See whether collection runs: SELECT * FROM data_collection_status. A symbol that is not collected "
        "any more: UPDATE symbols SET active = FALSE.";
  }
  if (!context.calendar.is_open(context.now))
    parts.push_back("closed until " + moment_text(context.calendar.next_open(context.now)));
  result.found = fmt::format("{}", fmt::join(parts, "; "));
  return result;
}

CheckResult check_duplicates(CheckContext& context) {
  CheckResult result;
  const auto tables = checked_tables(context, result);
  std::vector<std::string> guarded, parts;
  for (const auto& table : tables) {
    if (table.is_key_unique) {
      guarded.push_back(table.shown_name);
      continue;
    }
    const std::string key = fmt::format("{}", fmt::join(table.key, ", "));
    const auto range = fmt::format("{0} >= {1} AND {0} <= {2}", table.time,
                                   time_sql(context.now - context.options.since), time_sql(context.now));
    const std::string symbols =
        context.options.symbols.empty()
            ? ""
            : fmt::format(" AND {} IN {}", table.symbol, list_sql(context.options.symbols));
    const auto rows = context.rows(fmt::format(
        "SELECT symbol, count(*), sum(copies - 1)::bigint, {} FROM (SELECT {} AS symbol, min({}) AS at, "
        "count(*) AS copies "
        "FROM {} WHERE {}{} GROUP BY {} HAVING count(*) > 1) AS repeated GROUP BY symbol ORDER BY 3 DESC, 1",
        micros_sql("min(at)"), table.symbol, table.time, table.name, range, symbols, key));
    std::uint64_t extra = 0;
    for (const auto& row : rows) {
      extra += static_cast<std::uint64_t>(number_of(row[2]));
      result.items.push_back({CheckStatus::Critical, table.shown_name + " " + text_of(row[0]),
                              fmt::format("{} too many, the first at {}",
                                          counted_text(static_cast<std::uint64_t>(number_of(row[2])), "row"),
                                          moment_text(time_of(row[3]).value_or(Timestamp())))});
    }
    parts.push_back(
        extra == 0
            ? fmt::format("{}: none in the last {}", table.shown_name, duration_text(context.options.since))
            : fmt::format("{}: {} with the same {}", table.shown_name, counted_text(extra, "row"), key));
    if (extra == 0) continue;
    worsen(result.status, CheckStatus::Critical);
    result.remedy =
        fmt::format("Remove them, then forbid more: ALTER TABLE {} ADD PRIMARY KEY ({}).", table.name, key);
  }
  if (!guarded.empty())
    parts.insert(parts.begin(), fmt::format("{}: {} forbids them", fmt::join(guarded, ", "),
                                            guarded.size() == 1 ? "its key" : "their key"));
  if (parts.empty()) parts.push_back("no table has rows");
  result.found = fmt::format("{}", fmt::join(parts, "; "));
  return result;
}

}  // namespace tickstone::market
