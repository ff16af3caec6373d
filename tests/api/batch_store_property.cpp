// SPDX-License-Identifier: Apache-2.0
// Batches beside a plain map of rows by key.
#include <algorithm>
#include <map>
#include <optional>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "api_home.hpp"
#include "ticks.hpp"

namespace tickstone {
namespace {

struct Tick {
  int symbol;
  int second;
  int id;
  int price;  // from 12 on it is one that the table refuses; from 14 on no number
};

using Key = std::tuple<int, int, int>;

Timestamp time_of(int second) {
  return Timestamp{std::chrono::seconds{second} + std::chrono::hours{480'000}};
}

Parameters cells_of(const Tick& tick, const std::string& prefix) {
  Parameter price = Decimal{tick.price, 1};
  if (tick.price >= 12) price = Decimal{1000, 0};
  if (tick.price >= 14) price = std::numeric_limits<double>::infinity();
  return {prefix + std::to_string(tick.symbol),
          time_of(tick.second),
          tick.id,
          price,
          Null{},
          Null{},
          Null{},
          Null{}};
}

/// What `batch` makes of `rows`, row by row.
BatchResult store_plainly(std::map<Key, int>& rows, const std::vector<Tick>& batch) {
  BatchResult result;
  std::map<int, int> newest;
  for (const auto& [key, price] : rows) {
    auto& last = newest.try_emplace(std::get<0>(key), std::get<1>(key)).first->second;
    last = std::max(last, std::get<1>(key));
  }
  std::map<Key, std::size_t> last_of_key;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Tick& tick = batch[i];
    if (tick.price >= 14) {
      result.rejected.push_back({i, ""});
    } else if (!last_of_key.insert_or_assign({tick.symbol, tick.second, tick.id}, i).second) {
      ++result.superseded;
    }
  }
  for (const auto& [key, i] : last_of_key) {
    const Tick& tick = batch[i];
    const auto found = rows.find(key);
    if (tick.price >= 12) {
      result.rejected.push_back({i, ""});
    } else if (found == rows.end()) {
      ++result.new_rows;
      if (newest.contains(tick.symbol) && tick.second < newest.at(tick.symbol)) ++result.late;
      rows[key] = tick.price;
    } else if (found->second != tick.price) {
      ++result.changed;
      found->second = tick.price;
    } else {
      ++result.unchanged;
    }
  }
  std::ranges::sort(result.rejected, {}, &RejectedRow::index);
  return result;
}

void expect_equal(const BatchResult& got, const BatchResult& plain) {
  RC_ASSERT(got.new_rows == plain.new_rows);
  RC_ASSERT(got.changed == plain.changed);
  RC_ASSERT(got.unchanged == plain.unchanged);
  RC_ASSERT(got.superseded == plain.superseded);
  RC_ASSERT(got.late == plain.late);
  RC_ASSERT(got.rejected.size() == plain.rejected.size());
  for (std::size_t i = 0; i < got.rejected.size(); ++i)
    RC_ASSERT(got.rejected[i].index == plain.rejected[i].index);
}

TEST(BatchStore, AgreesWithAPlainMap) {
  auto& db = test_manager();
  create_ticks(db);
  int run = 0;
  const auto price =
      rc::gen::map(rc::gen::inRange(0, 100), [](int roll) { return roll < 96 ? roll % 6 : 11 + roll % 5; });
  const auto any_tick = [&](int symbols, int seconds, int ids) {
    return rc::gen::build<Tick>(rc::gen::set(&Tick::symbol, rc::gen::inRange(0, symbols)),
                                rc::gen::set(&Tick::second, rc::gen::inRange(0, seconds)),
                                rc::gen::set(&Tick::id, rc::gen::inRange(0, ids)),
                                rc::gen::set(&Tick::price, price));
  };
  EXPECT_TRUE(rc::check([&] {
    const std::string prefix = "run " + std::to_string(run++) + " ";  // rows of its own
    const auto ticks = any_tick(*rc::gen::inRange(1, 4), *rc::gen::element(3, 40), *rc::gen::inRange(1, 3));
    const auto batches =
        *rc::gen::container<std::vector<std::vector<Tick>>>(4, rc::gen::container<std::vector<Tick>>(ticks));
    std::map<Key, int> plain;
    for (const auto& batch : batches) {
      auto rows = tick_store().rows();
      for (const auto& tick : batch) rows.add(cells_of(tick, prefix));
      const auto got = tick_store().store(db, std::move(rows));
      expect_equal(got, store_plainly(plain, batch));
    }
    const auto frame = db.get_dataframe(
        "SELECT symbol, time, id, price FROM api_ticks WHERE symbol LIKE $1 ORDER BY symbol, time, id",
        {prefix + "%"});
    RC_ASSERT(frame.row_count() == plain.size());
    std::size_t row = 0;
    for (const auto& [key, tenths] : plain) {
      RC_ASSERT(frame.get<std::string>(row, 0) == prefix + std::to_string(std::get<0>(key)));
      RC_ASSERT(frame.get<Timestamp>(row, 1) == time_of(std::get<1>(key)));
      RC_ASSERT(frame.get<std::int64_t>(row, 2) == std::get<2>(key));
      RC_ASSERT(frame.get<Decimal>(row, 3) == (Decimal{tenths, 1}));
      ++row;
    }
  }));
}

}  // namespace
}  // namespace tickstone
