// SPDX-License-Identifier: Apache-2.0
#include "cli/check_printer.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>
#include <tickstone/timestamp.hpp>

#include "cli/terminal.hpp"

namespace tickstone::cli {
namespace {

using market::CheckItem;
using market::CheckResult;
using market::CheckStatus;
using Json = nlohmann::ordered_json;

constexpr std::size_t kNameWidth = 10, kStatusWidth = 8;
const std::string kIndent(kNameWidth + kStatusWidth + 4, ' ');

int exit_status(CheckStatus status) {
  switch (status) {
    case CheckStatus::Ok:
    case CheckStatus::Skipped:
      return 0;
    case CheckStatus::Warning:
      return 1;
    case CheckStatus::Critical:
      return 2;
    case CheckStatus::Unknown:
      break;
  }
  return kUnknownStatus;
}

std::string colored(CheckStatus status, const std::string& text, bool has_colors) {
  if (!has_colors) return text;
  constexpr const char* kGreen = "32";
  constexpr const char* kYellow = "33";
  constexpr const char* kRed = "31";
  constexpr const char* kMagenta = "35";
  constexpr const char* kGray = "90";
  const char* color = kGray;
  switch (status) {
    case CheckStatus::Ok:
      color = kGreen;
      break;
    case CheckStatus::Skipped:
      break;
    case CheckStatus::Unknown:
      color = kMagenta;
      break;
    case CheckStatus::Warning:
      color = kYellow;
      break;
    case CheckStatus::Critical:
      color = kRed;
      break;
  }
  return fmt::format("\033[{}m{}\033[0m", color, text);
}

/// What a message or a name brings must not break the lines, nor steer the terminal.
std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
  return line;
}

Json json_of(const CheckResult& result) {
  Json items = Json::array();
  for (const CheckItem& item : result.items)
    items.push_back({{"subject", item.subject}, {"status", to_string(item.status)}, {"found", item.found}});
  return {{"name", result.name},
          {"status", to_string(result.status)},
          {"found", result.found},
          {"remedy", result.remedy},
          {"items", std::move(items)}};
}

std::string summary_of(const std::vector<CheckResult>& results, CheckStatus worst) {
  std::string text(to_string(worst));
  const char* separator = ": ";
  for (const auto status : {CheckStatus::Critical, CheckStatus::Warning, CheckStatus::Unknown,
                            CheckStatus::Ok, CheckStatus::Skipped}) {
    std::string names;
    std::size_t count = 0;
    for (const auto& result : results) {
      if (result.status != status) continue;
      ++count;
      names += (names.empty() ? "" : ", ") + result.name;
    }
    if (count == 0) continue;
    const bool is_named = status != CheckStatus::Ok && status != CheckStatus::Skipped;
    std::string name(to_string(status));
    if (status != CheckStatus::Ok)
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    text += fmt::format("{}{} {}{}", separator, count, name, is_named ? " (" + names + ")" : "");
    separator = ", ";
  }
  return text;
}

}  // namespace

CheckPrinter::CheckPrinter(std::ostream& out, const CheckPrintOptions& options)
    : out_(out), options_(options), has_colors_(!options.is_json && shows_colors()) {}

void CheckPrinter::print(const CheckResult& result) {
  results_.push_back(result);
  if (options_.is_json) return;
  if (options_.is_quiet && (result.status == CheckStatus::Ok || result.status == CheckStatus::Skipped))
    return;
  print_text(result);
  out_.flush();
}

void CheckPrinter::print_text(const CheckResult& result) {
  const std::string status(to_string(result.status));
  out_ << fmt::format("{:<{}}  {}{}  {}\n", result.name, kNameWidth,
                      colored(result.status, status, has_colors_),
                      std::string(kStatusWidth - status.size(), ' '), one_line(result.found));
  std::size_t shown = 0;
  for (const auto& item : result.items) {
    if (shown == options_.items) {
      out_ << kIndent << fmt::format("- and {} more\n", result.items.size() - shown);
      break;
    }
    ++shown;
    out_ << kIndent << "- " << one_line(item.subject) << ": " << one_line(item.found) << "\n";
  }
  if (!result.remedy.empty()) out_ << kIndent << "> " << one_line(result.remedy) << "\n";
}

int CheckPrinter::finish(CheckStatus worst) {
  const int status = exit_status(worst);
  if (options_.is_json) {
    Json checks = Json::array();
    for (const auto& result : results_) checks.push_back(json_of(result));
    const Json report = {{"status", to_string(worst)},
                         {"exit_status", status},
                         {"checked_at", format_timestamp(current_timestamp())},
                         {"summary", summary_of(results_, worst)},
                         {"checks", std::move(checks)}};
    // Names and messages may have bytes that are no UTF-8.
    out_ << report.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    out_ << summary_of(results_, worst) << "\n";
  }
  if (!out_.flush()) throw Error(ErrorCode::IoError, "could not write all of the results");
  return status;
}

}  // namespace tickstone::cli
