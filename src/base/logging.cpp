// SPDX-License-Identifier: Apache-2.0
#include "base/logging.hpp"

#include <algorithm>
#include <memory>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>

namespace tickstone {

namespace {

constexpr const char* kLoggerName = "tickstone";

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warning:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
    case LogLevel::Off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

}  // namespace

std::optional<LogLevel> log_level_from_name(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower == "debug" ||
      (lower.size() == 6 && lower.substr(0, 5) == "debug" && lower[5] >= '1' && lower[5] <= '5')) {
    return LogLevel::Debug;
  }
  if (lower == "info" || lower == "notice" || lower == "log") return LogLevel::Info;
  if (lower == "warning") return LogLevel::Warning;
  if (lower == "error" || lower == "fatal" || lower == "panic") return LogLevel::Error;
  if (lower == "off") return LogLevel::Off;
  return std::nullopt;
}

void start_logging(LogLevel level) {
  auto logger =
      std::make_shared<spdlog::logger>(kLoggerName, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %z [%P:%t] %l: %v");
  // A warning is what someone reads after a crash: it must be out by then.
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

bool has_log() { return spdlog::default_logger_raw()->name() == kLoggerName; }

void set_log_level(LogLevel level) { spdlog::set_level(spdlog_level(level)); }

}  // namespace tickstone
