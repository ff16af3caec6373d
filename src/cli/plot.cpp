// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "market/text_table.hpp"

namespace tickstone::cli {
namespace {

using market::TextResult;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kLeastColumns = 8, kLeastRows = 4;

using Numbers = std::vector<double>;  // NaN where there is none

bool is_time(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz ||
                            type.id == TypeId::TimestampNs || type.id == TypeId::Date);
}

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<std::size_t> find_column(const TextResult& result, std::string_view name) {
  for (std::size_t c = 0; c < result.columns.size(); ++c) {
    if (lower(result.columns[c].name) == name && market::is_number(result.columns[c].type)) return c;
  }
  return std::nullopt;
}

Numbers numbers_of(const TextResult& result, std::size_t column) {
  Numbers numbers;
  for (const auto& row : result.rows) {
    double value = row[column] ? std::strtod(row[column]->c_str(), nullptr) : kNothing;
    if (!std::isfinite(value)) value = kNothing;
    numbers.push_back(value);
  }
  return numbers;
}

/// What a row is called below the picture.
std::string row_label(const TextResult& result, std::optional<std::size_t> time, std::size_t row) {
  if (!time) return std::to_string(row + 1);
  std::string text = result.rows[row][*time].value_or("");
  if (text.ends_with("+00")) text.resize(text.size() - 3);
  if (text.ends_with(":00")) text.resize(text.size() - 3);
  return text;
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    if (std::isnan(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void widen_if_flat() {
    if (low < high) return;
    const double room = low == 0 ? 1 : std::abs(low) * 0.01;
    low -= room;
    high += room;
  }
};

/// Cells of one character each, with a color.
class Canvas {
 public:
  enum Color : std::uint8_t { None, Green, Red, Cyan, Yellow, Magenta, Blue };

  Canvas(std::size_t columns, std::size_t rows) : columns_(columns), cells_(columns * rows) {}
  void set(std::size_t column, std::size_t row, std::string text, Color color) {
    cells_[row * columns_ + column] = {std::move(text), color};
  }
  std::string line(std::size_t row, bool is_colored) const {
    std::string line;
    std::size_t used = columns_;
    while (used > 0 && cells_[row * columns_ + used - 1].text.empty()) --used;
    for (std::size_t column = 0; column < used; ++column) {
      const auto& cell = cells_[row * columns_ + column];
      line += cell.text.empty() ? " " : is_colored ? paint(cell.text, cell.color) : cell.text;
    }
    return line;
  }
  static std::string paint(const std::string& text, Color color) {
    constexpr std::array<const char*, 7> kCodes = {"0", "32", "31", "36", "33", "35", "34"};
    if (color == None) return text;
    return std::string("\x1b[") + kCodes[color] + "m" + text + "\x1b[0m";
  }

 private:
  struct Cell {
    std::string text;
    Color color = None;
  };
  std::size_t columns_;
  std::vector<Cell> cells_;
};

/// Where the picture itself stands: labels to its left, an axis below.
struct Frame {
  std::size_t columns, rows, label_width;
  Range range;
  int decimals;

  Frame(const Range& values, const PlotOptions& options, std::size_t lines_below) : range(values) {
    range.widen_if_flat();
    const double step = (range.high - range.low) / 4;
    decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step))) + 1, 0, 8);
    label_width = std::max(label(range.low).size(), label(range.high).size());
    columns = std::max(options.width > label_width + 3 ? options.width - label_width - 3 : 0, kLeastColumns);
    rows = std::max(options.height > lines_below ? options.height - lines_below : 0, kLeastRows);
  }
  std::string label(double value) const { return fmt::format("{:.{}f}", value, decimals); }
  /// 0 at the top, `steps` at the bottom.
  double down(double value, double steps) const {
    return (range.high - value) / (range.high - range.low) * steps;
  }

  std::string draw(const Canvas& canvas, std::size_t used_columns, const std::array<std::string, 3>& times,
                   const PlotOptions& options) const {
    const std::string edge = options.is_ascii ? "|" : "┤", corner = options.is_ascii ? "+" : "└";
    const std::size_t every = std::max<std::size_t>(1, rows / 5);
    std::string text;
    for (std::size_t row = 0; row < rows; ++row) {
      const bool has_label = row % every == 0 || row + 1 == rows;
      const double value =
          range.high - (range.high - range.low) * static_cast<double>(row) / static_cast<double>(rows - 1);
      text += fmt::format("{:>{}} {}{}\n", has_label ? label(value) : "", label_width,
                          has_label          ? edge
                          : options.is_ascii ? "|"
                                             : "│",
                          canvas.line(row, options.is_colored));
    }
    text += std::string(label_width + 1, ' ') + corner;
    for (std::size_t c = 0; c < columns; ++c) text += options.is_ascii ? "-" : "─";
    text += '\n';
    // First, middle and last, as far as there is room.
    std::string below(columns, ' ');
    const auto place = [&](const std::string& label, std::size_t at) {
      if (label.empty() || at + label.size() > columns) return;
      const std::size_t from = at == 0 ? 0 : at - 1;
      if (below.find_first_not_of(' ', from) < at + label.size() + 1) return;
      below.replace(at, label.size(), label);
    };
    place(times[0], 0);
    place(times[2], used_columns - std::min(used_columns, times[2].size()));
    place(times[1], (used_columns - std::min(used_columns, times[1].size())) / 2);
    below.insert(0, label_width + 2, ' ');
    below.erase(below.find_last_not_of(' ') + 1);
    return text + below + '\n';
  }
};

std::array<std::string, 3> labels_of(const TextResult& result, std::optional<std::size_t> time) {
  const std::size_t last = result.rows.size() - 1;
  return {row_label(result, time, 0), last > 1 ? row_label(result, time, last / 2) : "",
          last > 0 ? row_label(result, time, last) : ""};
}

struct Candle {
  double open, high, low, close;
};

/// Neighbours together, so that there are no more than fit.
std::vector<Candle> fitting(const std::vector<Candle>& candles, std::size_t columns) {
  const std::size_t each = (candles.size() + columns - 1) / columns;
  std::vector<Candle> fewer;
  for (std::size_t i = 0; i < candles.size(); i += each) {
    Candle candle = candles[i];
    for (std::size_t k = i + 1; k < std::min(candles.size(), i + each); ++k) {
      candle.high = std::max(candle.high, candles[k].high);
      candle.low = std::min(candle.low, candles[k].low);
      candle.close = candles[k].close;
    }
    fewer.push_back(candle);
  }
  return fewer;
}

/// Of one cell, whose halves each hold nothing, the wick or the body.
std::string candle_cell(int upper, int lower, bool is_up, const PlotOptions& options) {
  constexpr int kBody = 2, kWick = 1;
  if (upper == 0 && lower == 0) return "";
  const bool has_body = upper == kBody || lower == kBody;
  if (options.is_ascii) return has_body ? is_up ? "+" : "#" : "|";
  if (!has_body) return upper == kWick && lower == kWick ? "│" : upper == kWick ? "╵" : "╷";
  // Without colors a rising candle is thin, a falling one thick.
  const bool is_thin = is_up && !options.is_colored;
  if (upper == kBody && lower == kBody) return is_thin ? "┃" : "█";
  if (upper == kBody) return is_thin ? lower == kWick ? "╿" : "╹" : "▀";
  return is_thin ? upper == kWick ? "╽" : "╻" : "▄";
}

std::string plot_candles(const TextResult& result, std::optional<std::size_t> time,
                         const std::array<std::size_t, 4>& columns, const PlotOptions& options) {
  const auto opens = numbers_of(result, columns[0]), highs = numbers_of(result, columns[1]);
  const auto lows = numbers_of(result, columns[2]), closes = numbers_of(result, columns[3]);
  std::vector<Candle> candles;
  Range range;
  for (std::size_t row = 0; row < opens.size(); ++row) {
    if (std::isnan(opens[row] + highs[row] + lows[row] + closes[row])) continue;
    candles.push_back({opens[row], highs[row], lows[row], closes[row]});
    range.add(highs[row]);
    range.add(lows[row]);
  }
  if (candles.empty())
    throw Error(ErrorCode::InvalidParameterValue, "there is nothing to plot: all rows are NULL");
  const Frame frame(range, options, 2);
  candles = fitting(candles, frame.columns);
  const std::size_t step = std::clamp<std::size_t>(frame.columns / candles.size(), 1, 3);
  Canvas canvas(frame.columns, frame.rows);
  const double halves = static_cast<double>(2 * frame.rows) - 1;
  for (std::size_t i = 0; i < candles.size(); ++i) {
    const Candle& candle = candles[i];
    const bool is_up = candle.close >= candle.open;
    const auto half_at = [&](double value) {
      return static_cast<long>(std::lround(frame.down(value, halves)));
    };
    const long high = half_at(candle.high), low = half_at(candle.low);
    const long top = half_at(std::max(candle.open, candle.close)),
               bottom = half_at(std::min(candle.open, candle.close));
    const auto state = [&](long half) {
      return half >= top && half <= bottom ? 2 : half >= high && half <= low ? 1 : 0;
    };
    for (std::size_t row = 0; row < frame.rows; ++row) {
      const long half = 2 * static_cast<long>(row);
      const auto text = candle_cell(state(half), state(half + 1), is_up, options);
      if (!text.empty()) canvas.set(i * step, row, text, is_up ? Canvas::Green : Canvas::Red);
    }
  }
  return frame.draw(canvas, std::min(frame.columns, step * candles.size()), labels_of(result, time), options);
}

constexpr std::array<Canvas::Color, 5> kLineColors = {Canvas::Cyan, Canvas::Yellow, Canvas::Magenta,
                                                      Canvas::Green, Canvas::Blue};
constexpr std::array<const char*, 5> kLineMarks = {"*", "o", "+", "x", "="};

/// Points at a finer grid than cells: 2 by 4 in each, as Braille has them.
std::string plot_lines(const TextResult& result, std::optional<std::size_t> time,
                       const std::vector<std::size_t>& columns, const PlotOptions& options) {
  std::vector<Numbers> lines;
  Range range;
  for (const auto column : columns) {
    lines.push_back(numbers_of(result, column));
    for (const double value : lines.back()) range.add(value);
  }
  if (range.low > range.high)
    throw Error(ErrorCode::InvalidParameterValue, "there is nothing to plot: all rows are NULL");
  const Frame frame(range, options, 3);
  // Dots of several lines can share a cell only where colors tell them apart.
  const bool is_fine = !options.is_ascii && (lines.size() == 1 || options.is_colored);
  const std::size_t across = is_fine ? 2 : 1, down = is_fine ? 4 : 1;
  const std::size_t width = frame.columns * across, height = frame.rows * down;
  Canvas canvas(frame.columns, frame.rows);
  std::vector<unsigned> dots(frame.columns * frame.rows);
  const auto set = [&](long x, long y, std::size_t line) {
    const std::size_t column = static_cast<std::size_t>(x) / across, row = static_cast<std::size_t>(y) / down;
    const auto color = kLineColors[line % kLineColors.size()];
    if (!is_fine) return canvas.set(column, row, kLineMarks[line % kLineMarks.size()], color);
    constexpr std::array<std::array<unsigned, 4>, 2> kBits = {
        {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};
    auto& bits = dots[row * frame.columns + column];
    bits |= kBits[static_cast<std::size_t>(x) % 2][static_cast<std::size_t>(y) % 4];
    const unsigned code = 0x2800 + bits;
    canvas.set(column, row,
               {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
                static_cast<char>(0x80 | (code & 0x3F))},
               color);
  };
  const std::size_t rows = result.rows.size();
  for (std::size_t line = 0; line < lines.size(); ++line) {
    long last_x = -1, last_y = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      const double value = lines[line][row];
      if (std::isnan(value)) {
        last_x = -1;
        continue;
      }
      const long x = rows == 1 ? 0
                               : std::lround(static_cast<double>(row) * static_cast<double>(width - 1) /
                                             static_cast<double>(rows - 1));
      const long y = std::lround(frame.down(value, static_cast<double>(height - 1)));
      if (last_x < 0) {
        set(x, y, line);
      } else {
        const long steps = std::max({std::abs(x - last_x), std::abs(y - last_y), 1L});
        for (long i = 0; i <= steps; ++i)
          set(last_x + (x - last_x) * i / steps, last_y + (y - last_y) * i / steps, line);
      }
      last_x = x;
      last_y = y;
    }
  }
  std::string legend(frame.label_width + 2, ' ');
  for (std::size_t line = 0; line < lines.size(); ++line) {
    const std::string mark = is_fine ? "━" : kLineMarks[line % kLineMarks.size()];
    legend += (line > 0 ? "   " : "") +
              (options.is_colored ? Canvas::paint(mark, kLineColors[line % kLineColors.size()]) : mark) +
              " " + result.columns[columns[line]].name;
  }
  return frame.draw(canvas, frame.columns, labels_of(result, time), options) + legend + '\n';
}

}  // namespace

std::string plot(const TextResult& result, const PlotOptions& options) {
  if (result.rows.empty()) throw Error(ErrorCode::InvalidParameterValue, "there is nothing to plot: no rows");
  std::optional<std::size_t> time;
  for (std::size_t c = result.columns.size(); c-- > 0;) {
    if (is_time(result.columns[c].type)) time = c;
  }
  const auto open = find_column(result, "open"), high = find_column(result, "high");
  const auto low = find_column(result, "low"), close = find_column(result, "close");
  if (open && high && low && close) return plot_candles(result, time, {*open, *high, *low, *close}, options);
  std::vector<std::size_t> numbers;
  for (std::size_t c = 0; c < result.columns.size(); ++c) {
    if (market::is_number(result.columns[c].type)) numbers.push_back(c);
  }
  if (numbers.empty()) {
    throw Error(ErrorCode::InvalidParameterValue, "there is nothing to plot: no column is a number", {},
                "Select a time and numbers, or open, high, low and close.");
  }
  return plot_lines(result, time, numbers, options);
}

}  // namespace tickstone::cli
