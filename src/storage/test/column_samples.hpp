// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "types/column.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage {

/// Makes columns as bad as they come: extremes, NaN payloads, runs, trends, outliers, empty and long texts.
class ColumnSampler {
 public:
  explicit ColumnSampler(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

  std::vector<std::int64_t> integers(std::size_t count) {
    std::vector<std::int64_t> values(count);
    const std::uint64_t kind = below(9);
    const std::uint64_t start = random_();
    const std::uint64_t step = random_() >> below(64);
    const std::uint64_t noise = 1 + (random_() >> below(64)) / 2;
    std::uint64_t last = start;
    for (std::size_t i = 0; i < count; ++i) {
      switch (kind) {
        case 0:  // one value
          last = start;
          break;
        case 1:  // anything
          last = random_();
          break;
        case 2:  // a range
          last = start + below(noise);
          break;
        case 3:  // regular
          last += step;
          break;
        case 4:  // regular with noise
          last += step + below(noise);
          break;
        case 5:  // multiples
          last = start % 1000 + below(5000) * (1 + step % 1'000'000);
          break;
        case 6:  // extremes
          last = one_in(2) ? static_cast<std::uint64_t>(INT64_MIN) + below(3)
                           : static_cast<std::uint64_t>(INT64_MAX) - below(3);
          break;
        case 7:  // regular, and now and then a jump
          last += one_in(200) ? random_() : 60'000'000;
          break;
        default:  // runs
          if (one_in(50)) last = random_() >> 40;
          break;
      }
      values[i] = static_cast<std::int64_t>(last);
    }
    if (one_in(3)) {
      for (std::size_t i = 0; i < 1 + count / 300; ++i)
        values[below(count)] = static_cast<std::int64_t>(random_());
    }
    return values;
  }

  double any_double() {
    static constexpr double kSpecial[] = {0.0,
                                          -0.0,
                                          1.0,
                                          -1.0,
                                          0.1,
                                          1e300,
                                          -1e-300,
                                          5e-324,
                                          1e22,
                                          9007199254740993.0,
                                          2251799813685247.0,
                                          2251799813685248.0,
                                          -2251799813685248.0};
    switch (below(8)) {
      case 0:
        return kSpecial[below(std::size(kSpecial))];
      case 1:
        return std::numeric_limits<double>::infinity() * (one_in(2) ? 1 : -1);
      case 2:  // a NaN of any sign and payload
        return bits_as<double>(0x7FF0'0000'0000'0001ULL | (random_() & 0x800F'FFFF'FFFF'FFFFULL));
      case 3:
        return bits_as<double>(random_());
      default:
        return static_cast<double>(static_cast<std::int64_t>(below(100'000'000)) - 50'000'000) / 1000.0;
    }
  }

  std::vector<double> doubles(std::size_t count) {
    std::vector<double> values(count);
    const std::uint64_t kind = below(6);
    const double power = std::pow(10.0, static_cast<double>(below(9)));
    for (std::size_t i = 0; i < count; ++i) {
      switch (kind) {
        case 0:  // decimals
          values[i] = static_cast<double>(static_cast<std::int64_t>(below(1'000'000)) - 1000) / power;
          break;
        case 1:  // decimals, and now and then none
          values[i] = one_in(20) ? any_double() : static_cast<double>(below(1'000'000)) / power;
          break;
        case 2:
          values[i] = any_double();
          break;
        case 3:
          values[i] = std::sqrt(static_cast<double>(random_()));
          break;
        case 4:
          values[i] = i == 0 ? any_double() : values[0];
          break;
        default:
          values[i] = one_in(2) ? 0.0 : -0.0;
          break;
      }
    }
    return values;
  }

  std::string any_text() {
    switch (below(20)) {
      case 0:
        return {};
      case 1:
        return std::string(below(200), '\xFF');
      case 2:
        return std::string(below(3000), 'x') + std::to_string(below(10));
      case 3:
        return one_in(20) ? long_text() : "y";
      case 4:
        return std::string(1 + below(5), '\0');
      default: {
        std::string text;
        for (std::uint64_t i = below(40); i > 0; --i) text += static_cast<char>(below(256));
        return text;
      }
    }
  }

  std::vector<std::string> texts(std::size_t count) {
    std::vector<std::string> values(count);
    const std::uint64_t kind = below(5);
    std::vector<std::string> few;
    for (std::uint64_t i = 1 + below(60); i > 0; --i) few.push_back(any_text());
    for (std::size_t i = 0; i < count; ++i) {
      switch (kind) {
        case 0:
          values[i] = any_text();
          break;
        case 1:
          values[i] = few[below(few.size())];
          break;
        case 2:  // runs
          values[i] = i == 0 || one_in(100) ? few[below(few.size())] : values[i - 1];
          break;
        case 3:
          values[i] = "{\"order\": " + std::to_string(i) +
                      ", \"side\": \"buy\", \"reason\": \"signal above threshold\"}";
          break;
        default:
          values[i] = few[0];
          break;
      }
    }
    return values;
  }

  /// A column of `count` rows; about one in `null_period` is null, none where that is 0.
  Column column(const SqlType& type, ColumnLayout layout, std::size_t count, std::uint64_t null_period) {
    Column result(type, layout);
    const auto ints = integers(count);
    const auto more_ints = integers(count);
    const auto floats = layout.physical == Physical::Float32 || layout.physical == Physical::Float64
                            ? doubles(count)
                            : std::vector<double>();
    const auto strings = layout.physical == Physical::Bytes ? texts(count) : std::vector<std::string>();
    const bool is_decimal = type.id == TypeId::Numeric;
    for (std::size_t row = 0; row < count; ++row) {
      if (null_period != 0 && one_in(null_period)) {
        result.append_null();
        continue;
      }
      switch (layout.physical) {
        case Physical::Bool:
          result.append_fixed<std::uint8_t>(ints[row] & 1);
          break;
        case Physical::Int16:
          result.append_fixed(static_cast<std::int16_t>(ints[row]));
          break;
        case Physical::Int32:
          result.append_fixed(static_cast<std::int32_t>(ints[row]));
          break;
        case Physical::Int64:
          result.append_fixed(is_decimal ? ints[row] % 1'000'000'000'000'000'000 : ints[row]);
          break;
        case Physical::Int128: {
          const UInt128 high = static_cast<UInt128>(static_cast<std::uint64_t>(more_ints[row])) << 64;
          auto value = static_cast<Int128>(high | static_cast<std::uint64_t>(ints[row]));
          if (is_decimal) value %= power_of_ten(38);
          result.append_fixed(value);
          break;
        }
        case Physical::Float32:
          result.append_fixed(static_cast<float>(floats[row]));
          break;
        case Physical::Float64:
          result.append_fixed(floats[row]);
          break;
        case Physical::Bytes:
          result.append_bytes(strings[row]);
          break;
      }
    }
    return result;
  }

  std::size_t row_count(std::size_t most) {
    static constexpr std::size_t kEdges[] = {1, 2, 3, 63, 64, 65, 1023, 1024, 1025, 2048, 8192};
    const std::size_t count = one_in(2) ? kEdges[below(std::size(kEdges))] : 1 + below(most);
    return std::min(count, most);
  }

 private:
  template <typename T>
  static T bits_as(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  std::string long_text() {
    std::string text;
    while (text.size() < 100'000) text += static_cast<char>(random_());
    return text;
  }

  std::mt19937_64 random_;
};

/// Null, or the very same bytes.
inline bool is_same_cell(const ColumnView& a, std::size_t a_row, const ColumnView& b, std::size_t b_row) {
  if (a.is_null(a_row) || b.is_null(b_row)) return a.is_null(a_row) == b.is_null(b_row);
  switch (a.layout.physical) {
    case Physical::Bool:
      return a.fixed<std::uint8_t>(a_row) == b.fixed<std::uint8_t>(b_row);
    case Physical::Int16:
      return a.fixed<std::int16_t>(a_row) == b.fixed<std::int16_t>(b_row);
    case Physical::Int32:
    case Physical::Float32:
      return a.fixed<std::int32_t>(a_row) == b.fixed<std::int32_t>(b_row);
    case Physical::Int64:
    case Physical::Float64:
      if (a.layout != b.layout) break;
      return a.fixed<std::int64_t>(a_row) == b.fixed<std::int64_t>(b_row);
    case Physical::Int128:
      if (a.layout != b.layout) break;
      return a.fixed<Int128>(a_row) == b.fixed<Int128>(b_row);
    case Physical::Bytes:
      return a.bytes(a_row) == b.bytes(b_row);
  }
  return compare({a.integer(a_row), a.layout.scale}, {b.integer(b_row), b.layout.scale}) == 0;
}

}  // namespace tickstone::storage
