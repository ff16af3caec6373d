// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <tickstone/decimal.hpp>
#include <tickstone/timestamp.hpp>

namespace tickstone {

/// A text that is JSON: checked by the database, not here.
struct Json {
  std::string text;
  friend bool operator==(const Json&, const Json&) = default;
};

/// NULL.
struct Null {
  friend bool operator==(const Null&, const Null&) = default;
};

/// What stands for a `$1` of a statement.
///
/// The database finds the type of each `$n` from where it stands, as PostgreSQL does (`symbol = $1` is
/// text, `LIMIT $1` bigint); the value is then read as that type. Where nothing says a type, cast: `$1::int`.
class Parameter {
 public:
  using Array = std::vector<Parameter>;
  using Content =
      std::variant<Null, bool, std::int64_t, double, Decimal, std::string, Timestamp, Date, Json, Array>;

  Parameter(Null value = {}) : content_(value) {}
  Parameter(std::nullopt_t) {}
  Parameter(bool value) : content_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && !std::same_as<T, char>)
  Parameter(T value) : content_(static_cast<std::int64_t>(value)) {}
  template <std::floating_point T>
  Parameter(T value) : content_(static_cast<double>(value)) {}
  Parameter(Decimal value) : content_(value) {}
  Parameter(std::string value) : content_(std::move(value)) {}
  Parameter(std::string_view value) : content_(std::string(value)) {}
  Parameter(const char* value) : content_(std::string(value)) {}
  template <class Duration>
  Parameter(std::chrono::sys_time<Duration> time) {
    if constexpr (std::is_same_v<Duration, std::chrono::days>)
      content_ = time;
    else
      content_ = std::chrono::floor<std::chrono::microseconds>(time);
  }
  Parameter(Json value) : content_(std::move(value)) {}
  template <typename T>
  Parameter(const std::optional<T>& value) {
    if (value) content_ = Parameter(*value).content_;
  }
  /// An array, of one dimension.
  template <typename T>
  Parameter(const std::vector<T>& values) : content_(Array(values.begin(), values.end())) {}

  const Content& content() const { return content_; }
  bool is_null() const { return std::holds_alternative<Null>(content_); }
  /// As PostgreSQL's input functions read it; nothing for NULL.
  std::optional<std::string> to_text() const;

 private:
  Content content_;
};

using Parameters = std::vector<Parameter>;

}  // namespace tickstone
