// SPDX-License-Identifier: Apache-2.0
#include "engine/server_configuration.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "base/logging.hpp"
#include "engine/setting_value.hpp"
#include "engine/settings.hpp"

namespace tickstone::engine {
namespace {

constexpr const char* kFromFile = "configuration file";
constexpr const char* kFromCommandLine = "command line";
constexpr const char* kFoundByServer = "override";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string place_of(const ConfigurationLine& line) {
  return " in file \"" + line.file.string() + "\" line " + std::to_string(line.line);
}

/// Names with a dot belong to someone else and are kept as text; of ours a misspelt one is an error.
/// TimescaleDB's differ from release to release: an unknown one is taken and does nothing.
bool is_foreign(const std::string& name) {
  return name.find('.') != std::string::npos && !name.starts_with("tickstone.");
}

Error unrecognized(const std::string& name) {
  return Error(ErrorCode::UndefinedObject, "unrecognized configuration parameter \"" + name + "\"");
}

/// As SHOW prints it. Errors: UndefinedObject, CantChangeRuntimeParam, InvalidParameterValue.
std::string checked_setting(const std::string& name, const std::string& value) {
  const auto* definition = Settings::find_definition(name);
  if (definition == nullptr) {
    if (!is_foreign(name)) throw unrecognized(name);
    return value;
  }
  if (definition->context == "internal") {
    throw Error(ErrorCode::CantChangeRuntimeParam,
                "parameter \"" + std::string(definition->shown_name) + "\" cannot be changed");
  }
  // A list of names is taken as it was written.
  return name == "search_path" ? value : checked_value(*definition, {value});
}

bool is_for_start_only(const std::string& name) {
  const auto* definition = Settings::find_definition(name);
  return definition != nullptr && (definition->context == "postmaster" || definition->context == "internal");
}

void write_whole(int descriptor, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const auto written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      throw Error(errno == ENOSPC ? ErrorCode::DiskFull : ErrorCode::IoError,
                  "could not write file \"" + path.string() + "\": " + std::strerror(errno));
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Replaces the file as a whole: after a crash there is the old one or the new one.
void replace_file(const std::filesystem::path& path, std::string_view text) {
  const auto temporary = std::filesystem::path(path.string() + ".tmp");
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0)
    throw Error(ErrorCode::IoError,
                "could not open file \"" + temporary.string() + "\": " + std::strerror(errno));
  try {
    write_whole(descriptor, text, temporary);
    if (::fsync(descriptor) != 0)
      throw Error(ErrorCode::IoError,
                  "could not fsync file \"" + temporary.string() + "\": " + std::strerror(errno));
  } catch (...) {
    ::close(descriptor);
    ::unlink(temporary.c_str());
    throw;
  }
  ::close(descriptor);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    throw Error(ErrorCode::IoError, "could not rename file \"" + temporary.string() + "\" to \"" +
                                        path.string() + "\": " + std::strerror(errno));
  const int directory = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  ::fsync(directory);
  ::close(directory);
}

const std::string* find_pair(const ConfigurationSources::Pairs& pairs, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [given, value] : pairs) {
    if (lower(given) == name) found = &value;
  }
  return found;
}

}  // namespace

/// All sources put together.
struct ServerConfiguration::Read {
  std::map<std::string, Item> items;
  std::vector<std::string> fatal;              // files that cannot be read, names that nobody knows
  std::map<std::string, std::string> invalid;  // values, by name
  std::vector<FileLine> lines;
};

void ServerConfiguration::locate() {
  const std::string* file = find_pair(sources_.command_line, "config_file");
  if (file == nullptr) file = find_pair(sources_.defaults, "config_file");
  if (file != nullptr) sources_.file = *file;
  const std::string* directory = find_pair(sources_.command_line, "data_directory");
  if (directory != nullptr) sources_.data_directory = *directory;
  if (!sources_.file.empty()) {
    file_ = std::filesystem::absolute(sources_.file);
    if (sources_.data_directory.empty()) {
      for (const auto& line : read_configuration_file(file_).lines) {
        if (line.name == "data_directory") sources_.data_directory = line.value;
      }
    }
  }
  if (sources_.data_directory.empty()) {
    if (const auto* fallback = find_pair(sources_.defaults, "data_directory"))
      sources_.data_directory = *fallback;
  }
  if (sources_.data_directory.empty()) return;
  data_directory_ = std::filesystem::absolute(sources_.data_directory);
  const auto own = data_directory_ / "postgresql.conf";
  std::error_code ignored;
  if (file_.empty() && std::filesystem::exists(own, ignored)) file_ = own;
}

std::filesystem::path ServerConfiguration::automatic_file() const {
  return data_directory_.empty() ? std::filesystem::path{} : data_directory_ / "postgresql.auto.conf";
}

ServerConfiguration::Read ServerConfiguration::read() const {
  Read read;
  const auto take_pairs = [&](const ConfigurationSources::Pairs& pairs, const char* source) {
    for (const auto& [given, value] : pairs) {
      const std::string name = lower(given);
      try {
        const std::string checked = checked_setting(name, value);
        read.items[name] = {checked, checked, checked, source, {}, 0, false};
      } catch (const Error& error) {
        read.fatal.emplace_back(error.what());
      }
    }
  };
  take_pairs(sources_.defaults, "environment variable");
  std::error_code ignored;
  for (const auto& path : {file_, automatic_file()}) {
    if (path.empty() || (path != file_ && !std::filesystem::exists(path, ignored))) continue;
    const auto text = read_configuration_file(path);
    for (const auto& problem : text.problems) {
      read.fatal.push_back(problem.message);
      read.lines.push_back({{{}, {}, problem.file, problem.line}, false, problem.message});
    }
    for (const auto& line : text.lines) {
      std::string problem;
      try {
        if (line.name == "config_file")
          throw Error(ErrorCode::CantChangeRuntimeParam, "parameter \"config_file\" cannot be changed");
        const std::string checked = checked_setting(line.name, line.value);
        read.items[line.name] = {checked, checked, checked, kFromFile, line.file, line.line, false};
        read.invalid.erase(line.name);
      } catch (const Error& error) {
        problem = error.what();
        if (error.code() == ErrorCode::InvalidParameterValue ||
            error.code() == ErrorCode::FeatureNotSupported)
          read.invalid[line.name] = problem + place_of(line);
        else
          read.fatal.push_back(problem + place_of(line));
      }
      // Of several lines the last one counts.
      for (auto& earlier : read.lines) {
        if (earlier.line.name == line.name) earlier.is_applied = false;
      }
      read.lines.push_back({line, problem.empty(), problem});
    }
  }
  take_pairs(sources_.command_line, kFromCommandLine);
  for (const auto& [given, value] : sources_.command_line) read.invalid.erase(lower(given));
  if (!file_.empty() && !read.items.contains("config_file"))
    read.items["config_file"] = {file_.string(), {}, {}, kFoundByServer, {}, 0, false};
  if (!data_directory_.empty())
    read.items["data_directory"] = {data_directory_.string(), {}, {}, kFoundByServer, {}, 0, false};
  return read;
}

std::shared_ptr<ServerConfiguration> ServerConfiguration::load(const ConfigurationSources& sources) {
  std::shared_ptr<ServerConfiguration> made(new ServerConfiguration(sources));
  made->locate();
  auto read = made->read();
  auto problems = std::move(read.fatal);
  for (const auto& [name, problem] : read.invalid) problems.push_back(problem);
  if (problems.size() == 1) throw Error(ErrorCode::InvalidParameterValue, problems.front());
  if (!problems.empty()) {
    std::string all;
    for (const auto& problem : problems) all += (all.empty() ? "" : "\n") + problem;
    throw Error(ErrorCode::InvalidParameterValue, "the configuration contains errors", all);
  }
  made->items_ = std::move(read.items);
  made->load_time_us_ = system_clock().now_us();
  made->publish();
  return made;
}

void ServerConfiguration::publish() {
  auto values = std::make_shared<Values>();
  for (const auto& [name, item] : items_) values->emplace(name, item.value);
  values_ = std::move(values);
  version_.fetch_add(1, std::memory_order_release);
}

std::optional<ServerConfiguration::Item> ServerConfiguration::find(const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = items_.find(name);
  return found == items_.end() ? std::nullopt : std::optional(found->second);
}

std::string ServerConfiguration::value(const std::string& name) const {
  if (auto item = find(name)) return item->value;
  const auto* definition = Settings::find_definition(name);
  if (definition == nullptr) throw unrecognized(name);
  return std::string(definition->default_value);
}

std::int64_t ServerConfiguration::number(const std::string& name) const {
  return number_of(*Settings::find_definition(name), value(name));
}

std::int64_t ServerConfiguration::bytes(const std::string& name) const {
  return bytes_of(*Settings::find_definition(name), value(name));
}

std::vector<std::string> ServerConfiguration::list(const std::string& name) const {
  std::vector<std::string> parts;
  const std::string text = value(name);
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    auto first = at;
    auto last = comma;
    const auto is_outside = [&](std::size_t i) { return text[i] == ' ' || text[i] == '"'; };
    while (first < last && is_outside(first)) ++first;
    while (last > first && is_outside(last - 1)) --last;
    if (last > first) parts.push_back(text.substr(first, last - first));
    at = comma + 1;
  }
  return parts;
}

std::vector<std::string> ServerConfiguration::names_without_effect() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, item] : items_) {
    const auto* definition = Settings::find_definition(name);
    if (definition == nullptr || !definition->takes_effect())
      names.emplace_back(definition == nullptr ? name : std::string(definition->shown_name));
  }
  return names;
}

std::shared_ptr<const ServerConfiguration::Values> ServerConfiguration::values() const {
  std::lock_guard lock(mutex_);
  return values_;
}

void ServerConfiguration::set_running(const std::string& name, const std::string& value) {
  std::lock_guard lock(mutex_);
  auto& item = items_[name];
  if (item.source.empty()) item.source = kFoundByServer;
  item.value = value;
  publish();
}

void ServerConfiguration::set_on_reload(std::function<void()> on_reload) {
  std::lock_guard lock(mutex_);
  on_reload_ = std::move(on_reload);
}

std::int64_t ServerConfiguration::load_time_us() const {
  std::lock_guard lock(mutex_);
  return load_time_us_;
}

/// Makes of `read` what the server runs with from now on, beginning from what it runs with.
void ServerConfiguration::take_over(std::map<std::string, Item>& read) const {
  std::set<std::string> names;
  for (const auto& [name, item] : items_) names.insert(name);
  for (const auto& [name, item] : read) names.insert(name);
  for (const auto& name : names) {
    const auto old = items_.find(name);
    const auto now = read.find(name);
    if (is_for_start_only(name)) {
      take_over_at_start(name, read);
    } else if (now == read.end()) {
      log_info("parameter \"{}\" removed from configuration file, reset to default", name);
    } else if (old == items_.end() || old->second.value != now->second.value) {
      log_info("parameter \"{}\" changed to \"{}\"", name, now->second.value);
    }
  }
}

/// Of a setting that is used when the server starts: it stays, and what is asked for now waits for the next
/// start.
void ServerConfiguration::take_over_at_start(const std::string& name,
                                             std::map<std::string, Item>& read) const {
  const std::string fallback(Settings::find_definition(name)->default_value);
  const auto found = items_.find(name);
  const Item old =
      found == items_.end() ? Item{fallback, fallback, fallback, {}, {}, 0, false} : found->second;
  const auto now = read.find(name);
  const std::string wanted = now == read.end() ? fallback : now->second.configured;
  if (old.source == kFoundByServer && now == read.end()) {
    read[name] = old;
    return;
  }
  const bool is_pending = wanted != old.started && old.source != kFoundByServer;
  if (is_pending && !(old.pending_restart && old.configured == wanted))
    log_warning("parameter \"{}\" cannot be changed without restarting the server", name);
  if (now == read.end() && !is_pending) return;
  Item& item = now == read.end() ? read[name] = old : now->second;
  item.value = old.value;
  item.configured = wanted;
  item.started = old.started;
  item.pending_restart = is_pending;
}

bool ServerConfiguration::reload() {
  const std::lock_guard one_at_a_time(reload_mutex_);
  auto read = this->read();
  for (const auto& problem : read.fatal) log_error("{}", problem);
  if (!read.fatal.empty()) {
    log_error("the configuration contains errors; no changes were applied");
    return false;
  }
  std::function<void()> on_reload;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [name, problem] : read.invalid) {
      log_error("{}", problem);
      // What was there stays.
      if (const auto old = items_.find(name); old != items_.end())
        read.items[name] = old->second;
      else
        read.items.erase(name);
    }
    take_over(read.items);
    items_ = std::move(read.items);
    load_time_us_ = system_clock().now_us();
    publish();
    on_reload = on_reload_;
  }
  if (!read.invalid.empty()) log_error("the configuration contains errors; unaffected changes were applied");
  if (on_reload) on_reload();
  return read.invalid.empty();
}

void ServerConfiguration::alter_system(const std::string& given,
                                       const std::optional<std::vector<std::string>>& values) {
  const std::string name = lower(given);
  const auto* definition = Settings::find_definition(name);
  if (definition == nullptr && (values || !is_foreign(name))) throw unrecognized(given);
  if (definition != nullptr &&
      (definition->context == "internal" || name == "config_file" || name == "data_directory")) {
    throw Error(ErrorCode::CantChangeRuntimeParam,
                "parameter \"" + std::string(definition->shown_name) + "\" cannot be changed");
  }
  std::string value;
  if (values) value = checked_value(*definition, *values);

  const std::lock_guard one_at_a_time(reload_mutex_);
  std::error_code ignored;
  ConfigurationText text;
  if (std::filesystem::exists(automatic_file(), ignored)) text = read_configuration_file(automatic_file());
  if (!text.problems.empty())
    throw Error(ErrorCode::InvalidParameterValue, text.problems.front().message, {},
                "Mend the file, or empty it by ALTER SYSTEM RESET ALL.");
  std::erase_if(text.lines, [&](const auto& line) { return line.name == name; });
  if (values) text.lines.push_back({name, value, {}, 0});
  write_automatic(text.lines);
}

void ServerConfiguration::alter_system_reset_all() {
  const std::lock_guard one_at_a_time(reload_mutex_);
  write_automatic({});
}

void ServerConfiguration::write_automatic(const std::vector<ConfigurationLine>& lines) const {
  replace_file(automatic_file(),
               "# Written by ALTER SYSTEM, which replaces the whole file.\n" + configuration_text(lines));
}

std::vector<ServerConfiguration::FileLine> ServerConfiguration::file_lines() const {
  auto lines = read().lines;
  std::lock_guard lock(mutex_);
  for (auto& line : lines) {
    if (!line.is_applied || !is_for_start_only(line.line.name)) continue;
    const auto running = items_.find(line.line.name);
    const bool is_running = running != items_.end() && !running->second.pending_restart;
    if (is_running) continue;
    line.is_applied = false;
    line.error = "setting could not be applied";
  }
  return lines;
}

}  // namespace tickstone::engine
