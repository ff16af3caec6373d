// SPDX-License-Identifier: Apache-2.0
#include "client/connect.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <poll.h>

#include <tickstone/error.hpp>

#include "client/error_code.hpp"

namespace tickstone::client {
namespace {

using Settings = std::map<std::string, std::string>;  // of one host

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

/// With libpq's defaults, its environment's among them, of what must be known here; a service's settings,
/// which only libpq reads, come before those.
Settings parse(const ConnectionOptions& options) {
  Settings settings;
  char* problem = nullptr;
  const OptionsPointer given(PQconninfoParse(options.conninfo.c_str(), &problem));
  if (!given) {
    const MemoryPointer owned(problem);
    std::string message = problem == nullptr ? "out of memory" : problem;
    while (!message.empty() && message.back() == '\n') message.pop_back();
    throw Error(
        ErrorCode::InvalidParameterValue, message, {},
        "An address is postgresql://user:password@host:port/database, or host=... port=... dbname=...");
  }
  for (const auto* option = given.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings[option->keyword] = option->val;
  }
  if (settings.contains("service")) return settings;
  const OptionsPointer defaults(PQconndefaults());
  for (const auto* option = defaults.get(); option != nullptr && option->keyword != nullptr; ++option) {
    const std::string_view name = option->keyword;
    if (option->val == nullptr || (name == "host" && settings.contains("hostaddr"))) continue;
    if (name == "host" || name == "hostaddr" || name == "port" || name == "target_session_attrs" ||
        name == "connect_timeout" || name == "application_name")
      settings.try_emplace(std::string(name), option->val);
  }
  if (!options.application_name.empty() && settings["application_name"].empty())
    settings["application_name"] = options.application_name;
  return settings;
}

/// One set for each host of a list, in its order.
std::vector<Settings> of_each_host(const Settings& all) {
  const auto list = [&](const char* name) {
    const auto found = all.find(name);
    return found == all.end() ? std::vector<std::string>(1) : split(found->second);
  };
  const auto hosts = list("host"), addresses = list("hostaddr"), ports = list("port");
  const std::size_t count = std::max(hosts.size(), addresses.size());
  const auto pick = [&](const std::vector<std::string>& values, std::size_t i, const char* what) {
    if (values.size() == 1) return values[0];
    if (values.size() != count)
      throw Error(ErrorCode::InvalidParameterValue, "could not match " + std::to_string(values.size()) + " " +
                                                        what + " to " + std::to_string(count) + " hosts");
    return values[i];
  };
  std::vector<Settings> each;
  for (std::size_t i = 0; i < count; ++i) {
    Settings one = all;
    one["host"] = pick(hosts, i, "host names");
    one["hostaddr"] = pick(addresses, i, "host addresses");
    one["port"] = pick(ports, i, "port numbers");
    each.push_back(std::move(one));
  }
  return each;
}

std::optional<std::chrono::milliseconds> time_limit(const Settings& settings,
                                                    const ConnectionOptions& options) {
  if (const auto found = settings.find("connect_timeout"); found != settings.end()) {
    const int seconds = std::atoi(found->second.c_str());
    if (seconds > 0) return std::chrono::seconds(std::max(seconds, 2));  // as libpq's own
    return std::nullopt;
  }
  if (options.connect_timeout.count() > 0) return options.connect_timeout;
  return std::nullopt;
}

/// `... failed: FATAL:  28P01: password authentication failed for user "x"`, then lines of DETAIL, HINT and
/// LOCATION: the server's own words, where it was reached.
Error refusal_of(const std::string& text) {
  const auto begin = text.find("FATAL:  ");
  constexpr std::size_t kLabelBytes = 8;
  constexpr std::size_t kCodeBytes = 5;
  const std::size_t code = begin + kLabelBytes;
  if (begin == std::string::npos || text.size() < code + kCodeBytes + 2 ||
      text.substr(code + kCodeBytes, 2) != ": ") {
    return Error(ErrorCode::ConnectionFailure, text);
  }
  const auto line = [&](std::string_view label) -> std::string {
    const auto at = text.find(label);
    if (at == std::string::npos) return {};
    const auto from = at + label.size();
    return text.substr(from, text.find('\n', from) - from);
  };
  const std::size_t message = code + kCodeBytes + 2;
  return Error(error_code_of(text.substr(code, kCodeBytes)),
               text.substr(message, text.find('\n', message) - message), line("\nDETAIL:  "),
               line("\nHINT:  "));
}

/// PQconnectdb, but with the server's SQLSTATE in what is said of a failure: libpq has no other way to it.
ConnectionPointer connect_to(const Settings& settings, const ConnectionOptions& options) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : settings) {
    if (value.empty()) continue;
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  ConnectionPointer connection(PQconnectStartParams(names.data(), values.data(), 0));
  if (!connection) throw Error(ErrorCode::OutOfMemory, "out of memory");
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  const auto limit = time_limit(settings, options);
  const auto start = std::chrono::steady_clock::now();
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(connection.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
         next != PGRES_POLLING_FAILED) {
    struct pollfd waiting {};
    waiting.fd = PQsocket(connection.get());
    waiting.events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    int wait_ms = -1;
    if (limit) {
      const auto left = *limit - (std::chrono::steady_clock::now() - start);
      wait_ms = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
      if (wait_ms <= 0) throw Error(ErrorCode::ConnectionFailure, "connection to server timed out");
    }
    if (::poll(&waiting, 1, wait_ms) > 0) next = PQconnectPoll(connection.get());
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  if (PQstatus(connection.get()) != CONNECTION_OK) throw refusal_of(message_of(connection.get()));
  return connection;
}

}  // namespace

ConnectionPointer connect(const ConnectionOptions& options) {
  const Settings settings = parse(options);
  auto hosts = of_each_host(settings);
  if (hosts.size() == 1) return connect_to(hosts[0], options);
  // A standby if there is one, else any: libpq goes round twice for it.
  const auto wanted = settings.find("target_session_attrs");
  if (wanted != settings.end() && wanted->second == "prefer-standby") {
    const auto again = hosts;
    for (auto& host : hosts) host["target_session_attrs"] = "standby";
    for (auto host : again) {
      host["target_session_attrs"] = "any";
      hosts.push_back(std::move(host));
    }
  }
  std::string tried;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    try {
      return connect_to(hosts[i], options);
    } catch (const Error& error) {
      // What every host will say the same of.
      if (error.code() == ErrorCode::InvalidPassword || error.code() == ErrorCode::InvalidAuthorization)
        throw;
      if (!tried.empty()) tried += "\n";
      tried += error.message();
    }
  }
  throw Error(ErrorCode::ConnectionFailure, "none of the hosts could be used", tried,
              "Check that one of them is up and is what target_session_attrs asks for.");
}

}  // namespace tickstone::client
