// SPDX-License-Identifier: Apache-2.0
#include "market/market_simulator.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "market/random_source.hpp"
#include "types/timestamp.hpp"

namespace tickstone::market {
namespace {

constexpr std::int64_t kMinuteUs = 60 * kMicrosPerSecond;
constexpr int kSessionMinutes = 390;  // 09:30 to 16:00 New York
constexpr int kSlotMinutes = 30;
constexpr std::array kKnownSymbols = {"AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA",
                                      "AMD",  "SPY",  "QQQ",  "NFLX", "INTC",  "JPM",  "BAC",
                                      "XOM",  "CVX",  "KO",   "PEP",  "WMT",   "DIS"};

struct Instrument {
  std::string symbol;
  std::int64_t price_cents = 0;
  double cent_volatility = 0;  // of a minute
  double trades_per_minute = 0;
  std::int64_t next_trade_id = 1;
  std::int64_t next_quote_id = 1;
  std::deque<std::int64_t> closes;  // the last ones, for features
};

struct Event {
  std::int64_t time_us;
  std::size_t instrument;
  std::uint32_t offset, size;  // of the CSV line in the slot's text
};

struct Bar {
  std::int64_t open = 0, high = 0, low = 0, close = 0, volume = 0;
  std::int64_t day_volume = 0;
};

std::string symbol_name(int index) {
  if (index < static_cast<int>(kKnownSymbols.size())) return kKnownSymbols[static_cast<std::size_t>(index)];
  return fmt::format("S{:04}", index);
}

void append_cents(std::string& out, std::int64_t cents) {
  fmt::format_to(std::back_inserter(out), "{}.{:02}", cents / 100, cents % 100);
}

/// One table's lines of a slot, sorted by time when they are given away.
class SlotRows {
 public:
  std::string& text() { return text_; }
  void begin() { start_ = text_.size(); }
  void end(std::int64_t time_us, std::size_t instrument) {
    text_ += '\n';
    events_.push_back({time_us, instrument, static_cast<std::uint32_t>(start_),
                       static_cast<std::uint32_t>(text_.size() - start_)});
  }
  std::string take() {
    std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
      return a.time_us != b.time_us ? a.time_us < b.time_us : a.instrument < b.instrument;
    });
    std::string sorted;
    sorted.reserve(text_.size());
    for (const auto& event : events_) sorted.append(text_, event.offset, event.size);
    text_.clear();
    events_.clear();
    return sorted;
  }

 private:
  std::string text_;
  std::vector<Event> events_;
  std::size_t start_ = 0;
};

class Simulation {
 public:
  Simulation(const SimulationOptions& options, const MarketSimulator::OnRows& on_rows)
      : on_rows_(on_rows), random_(options.seed) {
    for (int i = 0; i < options.symbol_count; ++i) {
      Instrument instrument;
      instrument.symbol = symbol_name(i);
      instrument.price_cents = 2'000 + random_.below(48'000);
      instrument.cent_volatility =
          static_cast<double>(instrument.price_cents) * (0.0004 + 0.0008 * random_.unit());
      // A few symbols make most of the trades: weights fall from 2 to a small rest.
      const double weight = 2.0 * (options.symbol_count - i) / (options.symbol_count + 1.0);
      instrument.trades_per_minute = weight * options.trades_per_symbol_day / kSessionMinutes;
      instruments_.push_back(std::move(instrument));
    }
    days_.resize(instruments_.size());
  }

  void write_reference_data() {
    std::string symbols;
    for (const auto& instrument : instruments_) {
      fmt::format_to(std::back_inserter(symbols),
                     "{},Simulated {},CS,stocks,USD,true,\"{{\"\"source\"\": \"\"simulator\"\"}}\"\n",
                     instrument.symbol, instrument.symbol);
    }
    on_rows_(SimulatedTable::Symbols, symbols);
    on_rows_(SimulatedTable::FeatureMetadata,
             "rsi_14,Relative strength index of 14 bars of a minute,\"{momentum,simulated}\",simulator\n"
             "sma_20,Mean close of 20 bars of a minute,\"{trend,simulated}\",simulator\n");
  }

  void run_day(std::int32_t day, const std::function<void(double)>& on_progress) {
    const auto* zone = find_time_zone("America/New_York");
    if (zone == nullptr)
      throw Error(ErrorCode::UndefinedObject, "time zone \"America/New_York\" is not installed", {},
                  "Install tzdata.");
    const std::int64_t open_us = zone->to_utc_us(day * kMicrosPerDay + (9 * 60 + 30) * kMinuteUs);
    std::fill(days_.begin(), days_.end(), Bar{});
    for (int slot = 0; slot < kSessionMinutes; slot += kSlotMinutes) {
      for (std::size_t i = 0; i < instruments_.size(); ++i) {
        for (int minute = slot; minute < slot + kSlotMinutes; ++minute)
          run_minute(i, open_us + minute * kMinuteUs);
      }
      give(SimulatedTable::Quotes, quotes_);
      give(SimulatedTable::Trades, trades_);
      give(SimulatedTable::Ohlcv, bars_);
      give(SimulatedTable::FeatureTimeseries, features_);
      on_progress(static_cast<double>(slot + kSlotMinutes) / kSessionMinutes);
    }
    write_daily_bars(day);
    write_options(day, open_us + kSessionMinutes * kMinuteUs);
  }

 private:
  void give(SimulatedTable table, SlotRows& rows) {
    const std::string text = rows.take();
    if (!text.empty()) on_rows_(table, text);
  }

  void run_minute(std::size_t index, std::int64_t minute_us) {
    Instrument& instrument = instruments_[index];
    auto count = static_cast<int>(instrument.trades_per_minute);
    if (random_.unit() < instrument.trades_per_minute - count) ++count;
    count += count > 2 ? static_cast<int>(random_.below(count)) - count / 2 : 0;
    std::vector<std::int64_t> times(static_cast<std::size_t>(std::max(count, 0)));
    for (auto& time : times) time = random_.below(kMinuteUs - 1000) + 500;
    std::sort(times.begin(), times.end());
    Bar bar;
    for (const auto offset : times) {
      const double step =
          random_.normal() * instrument.cent_volatility / std::max(1.0, instrument.trades_per_minute);
      instrument.price_cents = std::max<std::int64_t>(
          100, instrument.price_cents + static_cast<std::int64_t>(step < 0 ? step - 0.5 : step + 0.5));
      const std::int64_t spread = 1 + random_.below(4);
      const std::int64_t bid = instrument.price_cents - random_.below(spread + 1), ask = bid + spread;
      const std::int64_t price = bid + random_.below(spread + 1);
      const std::int64_t size = random_.below(10) < 7 ? 100 * (1 + random_.below(5)) : 1 + random_.below(99);
      write_quote(index, minute_us + offset - 1 - random_.below(400), bid, ask);
      write_trade(index, minute_us + offset, price, size);
      if (bar.volume == 0) bar.open = bar.high = bar.low = price;
      bar.high = std::max(bar.high, price);
      bar.low = std::min(bar.low, price);
      bar.close = price;
      bar.volume += size;
    }
    if (bar.volume == 0) return;
    write_bar(index, minute_us, bar);
    Bar& day = days_[index];
    if (day.volume == 0) day.open = bar.open, day.high = bar.high, day.low = bar.low;
    day.high = std::max(day.high, bar.high);
    day.low = std::min(day.low, bar.low);
    day.close = bar.close;
    day.volume += bar.volume;
    write_features(index, minute_us, bar.close);
  }

  void write_quote(std::size_t index, std::int64_t time_us, std::int64_t bid, std::int64_t ask) {
    Instrument& instrument = instruments_[index];
    auto& out = quotes_.text();
    quotes_.begin();
    out += instrument.symbol;
    out += ',';
    append_timestamptz(out, time_us, utc_zone());
    out += ',';
    append_cents(out, bid);
    fmt::format_to(std::back_inserter(out), ",{},", 1 + random_.below(40));
    append_cents(out, ask);
    fmt::format_to(std::back_inserter(out), ",{},{},,{},simulator", 1 + random_.below(40),
                   1 + random_.below(12), instrument.next_quote_id++);
    quotes_.end(time_us, index);
  }

  void write_trade(std::size_t index, std::int64_t time_us, std::int64_t price, std::int64_t size) {
    Instrument& instrument = instruments_[index];
    auto& out = trades_.text();
    trades_.begin();
    out += instrument.symbol;
    out += ',';
    append_timestamptz(out, time_us, utc_zone());
    out += ',';
    append_cents(out, price);
    fmt::format_to(std::back_inserter(out), ",{},{},{},{},simulator", size, 1 + random_.below(12),
                   size < 100 ? "\"{@,I}\"" : "{@}", instrument.next_trade_id++);
    trades_.end(time_us, index);
  }

  void write_bar(std::size_t index, std::int64_t time_us, const Bar& bar, const char* timeframe = "1m") {
    auto& out = bars_.text();
    bars_.begin();
    out += instruments_[index].symbol;
    out += ',';
    append_timestamptz(out, time_us, utc_zone());
    for (const auto price : {bar.open, bar.high, bar.low, bar.close}) {
      out += ',';
      append_cents(out, price);
    }
    fmt::format_to(std::back_inserter(out), ",{},simulator,{}", bar.volume, timeframe);
    bars_.end(time_us, index);
  }

  void write_feature(const char* name, std::size_t index, std::int64_t time_us, std::int64_t value_e4) {
    auto& out = features_.text();
    features_.begin();
    fmt::format_to(std::back_inserter(out), "{},{},", name, instruments_[index].symbol);
    append_timestamptz(out, time_us, utc_zone());
    fmt::format_to(std::back_inserter(out), ",{}.{:04},\"{{\"\"source\"\": \"\"simulator\"\"}}\"",
                   value_e4 / 10'000, value_e4 % 10'000);
    features_.end(time_us, index);
  }

  void write_features(std::size_t index, std::int64_t minute_us, std::int64_t close) {
    auto& closes = instruments_[index].closes;
    closes.push_back(close);
    if (closes.size() > 20) closes.pop_front();
    const std::int64_t known_us = minute_us + kMinuteUs;  // a bar is known when its minute is over
    if (closes.size() == 20) {
      std::int64_t sum = 0;
      for (const auto c : closes) sum += c;
      write_feature("sma_20", index, known_us, sum * 100 / 20);
    }
    if (closes.size() >= 15) {
      std::int64_t gains = 0, losses = 0;
      for (std::size_t i = closes.size() - 14; i < closes.size(); ++i) {
        const std::int64_t change = closes[i] - closes[i - 1];
        (change > 0 ? gains : losses) += change > 0 ? change : -change;
      }
      write_feature("rsi_14", index, known_us,
                    gains + losses == 0 ? 500'000 : gains * 1'000'000 / (gains + losses));
    }
  }

  void write_daily_bars(std::int32_t day) {
    for (std::size_t i = 0; i < instruments_.size(); ++i) {
      if (days_[i].volume > 0) write_bar(i, day * kMicrosPerDay, days_[i], "1d");
    }
    give(SimulatedTable::Ohlcv, bars_);
  }

  /// A chain of five strikes and two expirations around each close, calls and puts; premiums fall with the
  /// distance to the strike.
  void write_options(std::int32_t day, std::int64_t close_us) {
    SlotRows rows;
    for (std::size_t i = 0; i < instruments_.size(); ++i) {
      const std::int64_t spot = days_[i].volume > 0 ? days_[i].close : instruments_[i].price_cents;
      const std::int64_t grid = std::max<std::int64_t>(100, spot / 40 / 100 * 100);
      for (const int days_ahead : {30, 60}) {
        std::string expiration;
        append_date(expiration, day + days_ahead);
        for (int step = -2; step <= 2; ++step) {
          const std::int64_t strike = (spot / grid + step) * grid;
          for (const char type : {'C', 'P'}) {
            const std::int64_t intrinsic =
                std::max<std::int64_t>(0, type == 'C' ? spot - strike : strike - spot);
            const std::int64_t time_value = spot * days_ahead / 2400 * 100 / (100 + 20 * std::abs(step));
            const std::int64_t premium = intrinsic + time_value + 1 + random_.below(20);
            const std::int64_t delta_e4 =
                std::clamp<std::int64_t>(5'000 + (spot - strike) * 1'500 / grid, 200, 9'800);
            const std::int64_t time_us = close_us - 1'000'000 * (1 + random_.below(3'600));
            auto& out = rows.text();
            rows.begin();
            fmt::format_to(std::back_inserter(out), "{},", instruments_[i].symbol);
            append_timestamptz(out, time_us, utc_zone());
            fmt::format_to(std::back_inserter(out),
                           ",{},{}.{:02},{},O:{}{}{}{}{}{:08},{}.{:02},{},{},0.{:04},{}0.{:04},{}.{:02},{},"
                           "simulator,simulator",
                           expiration, strike / 100, strike % 100, type == 'C' ? "call" : "put",
                           instruments_[i].symbol, expiration.substr(2, 2), expiration.substr(5, 2),
                           expiration.substr(8, 2), type, strike * 10, premium / 100, premium % 100,
                           1 + random_.below(900), 10 + random_.below(20'000), 1'500 + random_.below(4'000),
                           type == 'C' ? "" : "-", type == 'C' ? delta_e4 : 10'000 - delta_e4, spot / 100,
                           spot % 100, fmt::format("0.{:02}", random_.below(100)));
            rows.end(time_us, i);
          }
        }
      }
    }
    give(SimulatedTable::OptionsFlow, rows);
  }

  const MarketSimulator::OnRows& on_rows_;
  RandomSource random_;
  std::vector<Instrument> instruments_;
  std::vector<Bar> days_;
  SlotRows trades_, quotes_, bars_, features_;
};

bool is_weekend(std::int32_t day) {
  const int weekday = ((day % 7) + 7 + 4) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
  return weekday == 0 || weekday == 6;
}

}  // namespace

void MarketSimulator::run(const OnRows& on_rows, const std::function<void(double)>& on_progress) const {
  const auto first = parse_date(options_.first_day);
  if (!first)
    throw Error(ErrorCode::InvalidDatetimeFormat,
                "invalid input syntax for type date: \"" + options_.first_day + "\"");
  if (options_.symbol_count < 1 || options_.day_count < 1 || options_.trades_per_symbol_day < 0) {
    throw Error(ErrorCode::InvalidParameterValue, "a simulation needs at least one symbol and one day");
  }
  Simulation simulation(options_, on_rows);
  simulation.write_reference_data();
  std::int32_t day = *first;
  for (int done = 0; done < options_.day_count; ++day) {
    if (is_weekend(day)) continue;
    simulation.run_day(day, [&](double part) { on_progress((done + part) / options_.day_count); });
    ++done;
  }
}

}  // namespace tickstone::market
