// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

namespace tickstone {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error, Off };

/// PostgreSQL's names of log_min_messages (`debug5` to `debug1`, `info`, `notice`, `log`, `warning`, `error`,
/// `fatal`, `panic`) and `off`, in any case; nothing for another word.
std::optional<LogLevel> log_level_from_name(std::string_view name);

/// Sends the log to standard error, one line an entry with time, level and thread; spdlog's own calls go the
/// same way. Threads: once, by main(), before any other starts.
void start_logging(LogLevel level);
void set_log_level(LogLevel level);
/// Whether `start_logging` was called: a program that embeds the database may have no log of ours.
bool has_log();

template <typename... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::debug(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::info(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::warn(format, std::forward<Args>(args)...);
}
template <typename... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::error(format, std::forward<Args>(args)...);
}

}  // namespace tickstone
