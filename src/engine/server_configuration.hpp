// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/configuration_file.hpp"

namespace tickstone::engine {

struct ConfigurationSources {
  std::filesystem::path file;            // empty: postgresql.conf of the data directory, where there is one
  std::filesystem::path data_directory;  // empty: what the file says
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Pairs defaults;      // where no file says otherwise
  Pairs command_line;  // whatever the files say
};

/// What the server was told: by its file, by ALTER SYSTEM (postgresql.auto.conf in the data directory), by
/// its command line; the later wins. Names are in lower case, values as SHOW prints them.
///
/// Errors: InvalidParameterValue that lists all that is wrong, with file and line. Threads: any.
class ServerConfiguration {
 public:
  struct Item {
    std::string value;           // that the server runs with
    std::string configured;      // that is asked for
    std::string started;         // that was asked for when the server started
    std::string source;          // as pg_settings has it
    std::filesystem::path file;  // empty: of no file
    int line = 0;
    bool pending_restart = false;
  };
  /// One line of a file as pg_file_settings shows it.
  struct FileLine {
    ConfigurationLine line;
    bool is_applied = false;
    std::string error;
  };
  using Values = std::map<std::string, std::string>;

  static std::shared_ptr<ServerConfiguration> load(const ConfigurationSources& sources);

  /// What was configured, else nothing.
  std::optional<Item> find(const std::string& name) const;
  /// What was configured, else the default. The name must be known.
  std::string value(const std::string& name) const;
  bool boolean(const std::string& name) const { return value(name) == "on"; }
  std::int64_t number(const std::string& name) const;  // in the setting's unit
  std::int64_t bytes(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;  // separated by commas

  const std::filesystem::path& file() const { return file_; }
  const std::filesystem::path& data_directory() const { return data_directory_; }
  /// The configured ones that do nothing here.
  std::vector<std::string> names_without_effect() const;

  /// What a session begins with.
  std::shared_ptr<const Values> values() const;
  /// Counts up with every change of `values`.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  /// What the server has in fact: the port that it found, the memory that it took.
  void set_running(const std::string& name, const std::string& value);

  /// Reads the files again and takes over what may change while the server runs; says so in the log, as well
  /// as what is wrong. False where something was.
  bool reload();
  /// Called after every reload, from the thread that asked for it.
  void set_on_reload(std::function<void()> on_reload);
  std::int64_t load_time_us() const;

  /// Writes the value to postgresql.auto.conf (nothing: removes it), for the next reload or start. Durable
  /// when it returns. Errors: UndefinedObject, CantChangeRuntimeParam, InvalidParameterValue, IoError.
  void alter_system(const std::string& name, const std::optional<std::vector<std::string>>& values);
  void alter_system_reset_all();

  /// What the files say now.
  std::vector<FileLine> file_lines() const;

 private:
  struct Read;
  explicit ServerConfiguration(ConfigurationSources sources) : sources_(std::move(sources)) {}
  Read read() const;
  void locate();
  std::filesystem::path automatic_file() const;
  void write_automatic(const std::vector<ConfigurationLine>& lines) const;
  void take_over(std::map<std::string, Item>& read) const;
  void take_over_at_start(const std::string& name, std::map<std::string, Item>& read) const;
  void publish();

  ConfigurationSources sources_;
  std::filesystem::path file_, data_directory_;  // absolute; the file is empty where there is none
  mutable std::mutex mutex_;
  std::map<std::string, Item> items_;
  std::shared_ptr<const Values> values_;
  std::atomic<std::uint64_t> version_ = 0;
  std::int64_t load_time_us_ = 0;
  std::mutex reload_mutex_;  // one reload or ALTER SYSTEM at a time
  std::function<void()> on_reload_;
};

}  // namespace tickstone::engine
