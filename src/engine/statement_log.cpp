// SPDX-License-Identifier: Apache-2.0
#include "engine/statement_log.hpp"

#include <algorithm>

#include "base/logging.hpp"
#include "engine/session_context.hpp"
#include "sql/lexer.hpp"
#include "sql/normalized_text.hpp"

namespace tickstone::engine {
namespace {

/// Lines after the first begin with a tab, so that each entry can be told from the next.
std::string on_one_entry(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    out += c;
    if (c == '\n') out += '\t';
  }
  return out;
}

std::size_t character_count(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_asked_for(LoggedStatements wanted, std::string_view text) {
  if (wanted == LoggedStatements::None || wanted == LoggedStatements::All)
    return wanted == LoggedStatements::All;
  // Boundary: what cannot be told apart is said by its error.
  try {
    for (const auto statement : sql::split_statements(text)) {
      const auto kind = sql::class_of_statement(statement);
      if (kind == sql::StatementClass::Definition ||
          (kind == sql::StatementClass::Modification && wanted == LoggedStatements::Modifications))
        return true;
    }
  } catch (const Error&) {
  }
  return false;
}

}  // namespace

LoggedCall::LoggedCall(const SessionContext& context, const Subject& subject)
    : context_(context), subject_(subject) {
  const auto& logging = context.settings().logging();
  if (!logging.is_any || subject.kind == Kind::Other) return;
  started_ns_ = context_.clock().monotonic_ns();
  const bool runs = subject.kind != Kind::Parse && subject.kind != Kind::Bind;
  if (!runs || !is_asked_for(logging.statements, subject.text)) return;
  is_logged_ = true;
  write("LOG:  " + what());
}

LoggedCall::~LoggedCall() {
  const auto& logging = context_.settings().logging();
  if (started_ns_ == 0 || has_failed_ || (logging.min_duration_ms < 0 && !logging.durations)) return;
  // Boundary: nothing fails because it cannot be logged.
  try {
    const auto taken_us = (context_.clock().monotonic_ns() - started_ns_) / 1000;
    const bool is_long = logging.min_duration_ms >= 0 && taken_us >= logging.min_duration_ms * 1000;
    if (!is_long && !logging.durations) return;
    auto message = fmt::format("LOG:  duration: {}.{:03} ms", taken_us / 1000, taken_us % 1000);
    if (is_long && !is_logged_) message += "  " + what();
    write(message);
  } catch (...) {
  }
}

void LoggedCall::failed(const Error& error, std::string_view part) {
  has_failed_ = true;
  const auto& logging = context_.settings().logging();
  // Who embeds the database has the exception.
  if (!logging.errors || !has_log()) return;
  const auto text = sql::hide_passwords(subject_.text);
  std::string what = error.message();
  // A syntax error quotes what it is near to.
  if (text != subject_.text) what.resize(std::min(what.size(), what.find(" at or near ")));
  std::string message = "ERROR:  " + on_one_entry(what);
  if (const auto at = error.position()) {
    const auto before =
        part.empty() ? std::string_view{}
                     : subject_.text.substr(0, static_cast<std::size_t>(part.data() - subject_.text.data()));
    message += " at character " + std::to_string(*at + character_count(before));
  }
  if (!error.detail().empty()) message += "\n\tDETAIL:  " + on_one_entry(error.detail());
  if (!error.hint().empty()) message += "\n\tHINT:  " + on_one_entry(error.hint());
  if (logging.statements_of_errors && !subject_.text.empty())
    message += "\n\tSTATEMENT:  " + on_one_entry(text);
  write(message);
}

void LoggedCall::write(std::string_view message) const {
  const auto& options = context_.options();
  log_info("[{}] {}@{} {} {}", options.pid, options.user, context_.current_database(),
           context_.settings().application_name(), message);
}

std::string LoggedCall::what() const {
  const auto text = on_one_entry(sql::hide_passwords(subject_.text));
  if (subject_.kind == Kind::SimpleQuery) return "statement: " + text;
  std::string name(subject_.statement.empty() ? "<unnamed>" : subject_.statement);
  if (!subject_.portal.empty()) name += "/" + std::string(subject_.portal);
  const char* verb = subject_.kind == Kind::Parse          ? "parse"
                     : subject_.kind == Kind::Bind         ? "bind"
                     : subject_.kind == Kind::ExecuteFetch ? "execute fetch from"
                                                           : "execute";
  return fmt::format("{} {}: {}{}", verb, name, text, parameters());
}

std::string LoggedCall::parameters() const {
  if (subject_.parameters.empty()) return {};
  std::string out = "\n\tDETAIL:  parameters: ";
  for (std::size_t i = 0; i < subject_.parameters.size(); ++i) {
    const auto& value = subject_.parameters[i];
    out += (i == 0 ? "$" : ", $") + std::to_string(i + 1) + " = ";
    if (value.is_null) {
      out += "NULL";
      continue;
    }
    out += '\'';
    for (const char c : on_one_entry(to_text(value, context_.settings().format_context()))) {
      if (c == '\'') out += c;
      out += c;
    }
    out += '\'';
  }
  return out;
}

}  // namespace tickstone::engine
