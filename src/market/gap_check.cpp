// SPDX-License-Identifier: Apache-2.0
// Whether every bar is there that the calendar says there should be.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "market/check_context.hpp"
#include "market/checked_table.hpp"

namespace tickstone::market {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

/// Bars by the number of their slot: their time by their width, from 1970 on.
using Slots = std::vector<std::int64_t>;

std::int64_t slot_before(Timestamp time, microseconds width) {
  const auto us = time.time_since_epoch().count(), w = width.count();
  return us >= 0 ? us / w : -((-us + w - 1) / w);
}
std::int64_t slot_from(Timestamp time, microseconds width) {
  return slot_before(time + width - microseconds(1), width);
}
Timestamp time_of_slot(std::int64_t slot, microseconds width) { return Timestamp(slot * width); }

/// Slots of one session, `[first, end)`, whose bars are complete.
struct SessionSlots {
  std::int64_t first = 0, end = 0;
  std::int64_t count() const { return end - first; }
};

/// What is to be there of each symbol within `[start, end)`.
std::vector<SessionSlots> expected_slots(const TradingCalendar& calendar, Timestamp start, Timestamp end,
                                         microseconds width) {
  std::vector<SessionSlots> all;
  for (const auto& session : calendar.sessions_between(start, end)) {
    SessionSlots slots;
    if (width == days(1)) {
      if (session.day < start || session.close > end) continue;
      slots.first = slot_before(session.day, width);
      slots.end = slots.first + 1;
    } else {
      slots.first = std::max(slot_before(session.open, width), slot_from(start, width));
      slots.end = session.close <= end ? slot_from(session.close, width) : slot_before(end, width);
      if (!all.empty()) slots.first = std::max(slots.first, all.back().end);
    }
    if (slots.first < slots.end) all.push_back(slots);
  }
  return all;
}

/// Runs of missing slots within sessions, as `[first, end)`.
std::vector<SessionSlots> missing_runs(const std::vector<SessionSlots>& expected,
                                       const std::set<std::int64_t>& there, std::int64_t from) {
  std::vector<SessionSlots> runs;
  for (const auto& session : expected) {
    bool is_running = false;
    for (auto slot = std::max(session.first, from); slot < session.end; ++slot) {
      if (there.contains(slot)) {
        is_running = false;
      } else if (is_running) {
        ++runs.back().end;
      } else {
        runs.push_back({slot, slot + 1});
        is_running = true;
      }
    }
  }
  return runs;
}

std::string run_text(const SessionSlots& run, microseconds width) {
  if (width == days(1)) return format_date(std::chrono::floor<days>(time_of_slot(run.first, width)));
  const std::string first = moment_text(time_of_slot(run.first, width));
  if (run.count() == 1) return first;
  const std::string last = moment_text(time_of_slot(run.end - 1, width));
  constexpr std::size_t kDateBytes = sizeof("2026-01-05 ") - 1;
  const bool is_same_day = first.substr(0, kDateBytes) == last.substr(0, kDateBytes);
  return fmt::format("{} to {} ({})", first, is_same_day ? last.substr(kDateBytes) : last, run.count());
}

class GapFinder {
 public:
  GapFinder(CheckContext& context, const CheckedTable& table, std::string timeframe, microseconds width,
            Timestamp start, Timestamp end)
      : context_(context),
        table_(table),
        timeframe_(std::move(timeframe)),
        width_(width),
        expected_(expected_slots(context.calendar, start, end, width)) {}

  void judge(CheckResult& result, std::vector<std::string>& parts) {
    if (expected_.empty()) return;
    count_bars();
    find_newcomers();
    struct Lacking {
      std::string symbol;
      std::int64_t missing, expected;
      double percent() const { return 100.0 * static_cast<double>(missing) / static_cast<double>(expected); }
    };
    std::vector<Lacking> lacking;
    std::int64_t missing = 0, expected = 0;
    for (const auto& [symbol, bars] : bars_) {
      std::int64_t wanted = 0;
      for (const auto& session : expected_)
        wanted += std::max<std::int64_t>(0, session.end - std::max(session.first, bars.from));
      expected += wanted;
      missing += wanted - bars.count;
      if (wanted > bars.count) lacking.push_back({symbol, wanted - bars.count, wanted});
    }
    std::ranges::stable_sort(lacking, [](const auto& a, const auto& b) { return a.percent() > b.percent(); });
    // Where exactly is said of the worst alone: that takes reading their bars.
    std::vector<std::string> shown;
    for (const auto& one : lacking) {
      if (shown.size() < kShownSymbols && one.percent() > context_.options.warn_missing)
        shown.push_back(one.symbol);
    }
    const auto places = find_places(shown);
    for (const auto& one : lacking) {
      if (one.percent() <= context_.options.warn_missing) continue;
      const auto status =
          one.percent() > context_.options.critical_missing ? CheckStatus::Critical : CheckStatus::Warning;
      const auto place = places.find(one.symbol);
      result.items.push_back({status, fmt::format("{} {} {}", table_.shown_name, one.symbol, timeframe_),
                              fmt::format("{} of {} missing{}", one.missing,
                                          counted_text(static_cast<std::uint64_t>(one.expected), "bar"),
                                          place == places.end() ? "" : ": " + place->second)});
      worsen(result.status, status);
    }
    parts.push_back(fmt::format("{} {}: {} of {} missing, {}", table_.shown_name, timeframe_, missing,
                                counted_text(static_cast<std::uint64_t>(expected), "bar"),
                                counted_text(bars_.size(), "symbol")));
  }

 private:
  static constexpr std::size_t kShownSymbols = 20;
  struct Bars {
    std::int64_t count = 0;
    std::int64_t first = INT64_MAX;  // slot
    std::int64_t from = INT64_MIN;   // slot from which on bars are expected
  };

  /// By date_part, whose doubles PostgreSQL sorts much faster than extract's decimals; they hold seconds
  /// exactly.
  std::string slot_sql() const {
    return fmt::format("floor(date_part('epoch', {}) / {})::bigint", table_.time,
                       static_cast<double>(width_.count()) / 1e6);
  }

  std::string condition(Timestamp start, Timestamp end, const std::vector<std::string>& symbols) const {
    std::string sql = fmt::format(" FROM {0} WHERE timeframe = {1} AND {2} >= {3} AND {2} < {4}", table_.name,
                                  quote_literal(timeframe_), table_.time, time_sql(start), time_sql(end));
    if (!symbols.empty()) sql += fmt::format(" AND {} IN {}", table_.symbol, list_sql(symbols));
    return sql;
  }

  void count_bars() {
    // Days are single slots, with days between that are none: their bars are asked for together.
    if (width_ == days(1)) return count_days();
    for (const auto& session : expected_) {
      const auto range = condition(time_of_slot(session.first, width_), time_of_slot(session.end, width_),
                                   context_.options.symbols);
      for (const auto& row :
           context_.rows(fmt::format("SELECT {0}, count(DISTINCT {1}), min({1}){2} GROUP BY {0}",
                                     table_.symbol, slot_sql(), range)))
        add(text_of(row[0]), number_of(row[1]), number_of(row[2]));
    }
  }

  void count_days() {
    std::set<std::int64_t> wanted;
    for (const auto& session : expected_) wanted.insert(session.first);
    const auto range = condition(time_of_slot(expected_.front().first, width_),
                                 time_of_slot(expected_.back().end, width_), context_.options.symbols);
    for (const auto& row :
         context_.rows(fmt::format("SELECT DISTINCT {}, {}{}", table_.symbol, slot_sql(), range))) {
      if (wanted.contains(number_of(row[1]))) add(text_of(row[0]), 1, number_of(row[1]));
    }
  }

  void add(const std::string& symbol, std::int64_t count, std::int64_t first) {
    Bars& bars = bars_[symbol];
    bars.count += count;
    bars.first = std::min(bars.first, first);
  }

  /// Of a symbol whose first bar ever is within the range nothing is missing before it.
  void find_newcomers() {
    std::vector<std::string> late;
    for (const auto& [symbol, bars] : bars_) {
      if (bars.first > expected_.front().first) late.push_back(symbol);
    }
    if (late.empty()) return;
    const Timestamp start = time_of_slot(expected_.front().first, width_);
    std::set<std::string> known;
    for (const auto& row : context_.rows(
             fmt::format("SELECT DISTINCT {}{}", table_.symbol, condition(start - days(30), start, late))))
      known.insert(text_of(row[0]));
    for (const auto& symbol : late) {
      if (!known.contains(symbol)) bars_[symbol].from = bars_[symbol].first;
    }
  }

  std::map<std::string, std::string> find_places(const std::vector<std::string>& symbols) {
    std::map<std::string, std::string> places;
    if (symbols.empty()) return places;
    std::map<std::string, std::set<std::int64_t>> there;
    for (const auto& row :
         context_.rows(fmt::format("SELECT DISTINCT {}, {}{}", table_.symbol, slot_sql(),
                                   condition(time_of_slot(expected_.front().first, width_),
                                             time_of_slot(expected_.back().end, width_), symbols))))
      there[text_of(row[0])].insert(number_of(row[1]));
    for (const auto& symbol : symbols) {
      auto runs = missing_runs(expected_, there[symbol], bars_[symbol].from);
      constexpr std::size_t kShownRuns = 3;
      std::vector<std::string> texts;
      for (const auto& run : runs) {
        if (texts.size() == kShownRuns) break;
        texts.push_back(run_text(run, width_));
      }
      places[symbol] = fmt::format("{}", fmt::join(texts, ", "));
      if (runs.size() > kShownRuns)
        places[symbol] += fmt::format(" and {}", counted_text(runs.size() - kShownRuns, "more gap"));
    }
    return places;
  }

  CheckContext& context_;
  const CheckedTable& table_;
  const std::string timeframe_;
  const microseconds width_;
  const std::vector<SessionSlots> expected_;
  std::map<std::string, Bars> bars_;
};

/// Bars that divide an hour begin where sessions do, in every zone; those of a day are one a session.
bool has_slots(microseconds width) {
  return width == days(1) ||
         (width <= std::chrono::hours(1) && std::chrono::hours(1) % width == microseconds(0));
}

}  // namespace

CheckResult check_gaps(CheckContext& context) {
  CheckResult result;
  const auto tables = checked_tables(context, result);
  const Timestamp start = context.now - context.options.since;
  // What is newer may still come, and is freshness's matter.
  const microseconds delay = context.options.warn_age;
  const bool is_over =
      context.calendar.open_time_between(context.now - delay, context.now) == microseconds(0);
  const Timestamp end =
      is_over ? context.now : std::max(start, context.calendar.before_open_time(context.now, delay));
  std::vector<std::string> parts, others;
  bool has_bars = false;
  for (const auto& table : tables) {
    if (!table.has_timeframe) continue;
    for (const auto& row :
         context.rows(fmt::format("SELECT DISTINCT timeframe FROM {0} WHERE {1} >= {2} AND {1} < {3}",
                                  table.name, table.time, time_sql(start), time_sql(end)))) {
      has_bars = true;
      const auto width = width_of_timeframe(text_of(row[0]));
      if (!width || !has_slots(*width)) {
        others.push_back(text_of(row[0]));
        continue;
      }
      GapFinder(context, table, text_of(row[0]), *width, start, end).judge(result, parts);
    }
  }
  std::ranges::sort(parts);
  if (!others.empty()) parts.push_back(fmt::format("not judged: {}", fmt::join(others, ", ")));
  if (!has_bars) {
    if (result.status == CheckStatus::Ok) result.status = CheckStatus::Skipped;
    parts.push_back(fmt::format("no bars in the last {}", duration_text(context.options.since)));
  }
  if (has_bars && parts.empty()) parts.push_back("no session was over in that time");
  result.found = fmt::format("{}", fmt::join(parts, "; "));
  if (!result.items.empty())
    result.remedy =
        "Load what is missing: tickstone import takes the same file again without doubling rows. Symbols "
        "that do not trade each minute: --warn-missing PERCENT.";
  return result;
}

}  // namespace tickstone::market
