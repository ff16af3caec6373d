// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tickstone::duck {

/// The template of to_char and to_number: `FM9,999.00`.
class NumberFormat {
 public:
  /// Errors: SyntaxError for parts that exclude each other, as PostgreSQL words them.
  explicit NumberFormat(std::string_view text);

  int fraction_digits() const { return fraction_; }
  /// The power of ten that V multiplies the number by.
  int shift() const { return shift_; }
  bool is_exponential() const { return is_exponential_; }
  bool is_roman() const { return is_roman_; }

  /// to_char. `digits` is the absolute number in plain digits, rounded to `fraction_digits()` after its point
  /// (fewer digits after the point are filled up with zeros). With an exponent: `1.23e+05`.
  std::string print(std::string digits, bool is_negative) const;
  /// to_number: the number in `text`, as `-123.45`. Errors: InvalidTextRepresentation.
  std::string read(std::string_view text) const;

 private:
  enum class Part : std::uint8_t {
    Digit,
    Zero,
    Point,
    Group,
    Sign,
    Minus,
    Plus,
    Either,
    Currency,
    Ordinal,
    Text
  };
  enum class SignPlace : std::uint8_t { BeforeNumber, Leading, Trailing, Own, Brackets };
  struct Element {
    Part part;
    std::string text;  // of Text; "TH" or "th"
  };

  std::size_t read_part(std::string_view rest);
  void add_sign(Part part);
  std::string roman(const std::string& digits) const;

  std::vector<Element> elements_;
  int whole_ = 0;
  int fraction_ = 0;
  int first_zero_ = -1;     // the position of the first 0 before the point
  int fraction_zeros_ = 0;  // positions after the point up to the last 0
  int shift_ = 0;
  bool has_point_ = false;
  bool has_shift_ = false;
  bool is_filled_ = false;  // FM
  bool is_roman_ = false;
  bool is_lower_roman_ = false;
  bool is_exponential_ = false;
  SignPlace sign_ = SignPlace::BeforeNumber;
};

}  // namespace tickstone::duck
