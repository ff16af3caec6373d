// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/session.hpp"
#include "pgwire/frontend_message.hpp"
#include "server/client_channel.hpp"
#include "server/connection_registry.hpp"
#include "server/wire_sink.hpp"

namespace tickstone::server {

/// The conversation with a logged-in client, from the first ReadyForQuery to its end.
class SessionLoop {
 public:
  SessionLoop(ClientChannel& channel, engine::Session& session, Connection& connection,
              const ConnectionRegistry& registry)
      : channel_(channel),
        session_(session),
        connection_(connection),
        registry_(registry),
        sink_(channel, session) {}

  /// Returns when the client has said goodbye or gone.
  /// Errors: what ends the session, to be sent as FATAL (AdminShutdown, ProtocolViolation, ...).
  void run();

 private:
  enum class Next : std::uint8_t { GoOn, End };

  Next handle(const pgwire::Frame& frame);
  Next simple_query(std::string_view body);
  void sync();
  void extended(const pgwire::Frame& frame);
  void parse(const pgwire::ParseMessage& message);
  void bind(const pgwire::BindMessage& message);
  void describe(const pgwire::TargetMessage& message);
  void execute(const pgwire::ExecuteMessage& message);
  void close(const pgwire::TargetMessage& message);
  const std::vector<SqlType>& parameter_types(const std::string& statement);
  const std::vector<pgwire::ValueFormat>& formats_of(const std::string& portal) const;
  std::string text_of(std::string_view said) const;
  void send_error(const Error& error);
  void forget_portals();
  void report_settings();
  void ready();
  void send_notifications();
  void wait_for_notifications();

  ClientChannel& channel_;
  engine::Session& session_;
  Connection& connection_;
  const ConnectionRegistry& registry_;
  WireSink sink_;
  bool skips_to_sync_ = false;
  bool is_between_statements_ = false;                           // ReadyForQuery was the last that was sent
  std::map<std::string, std::vector<SqlType>> parameter_types_;  // of statements, as the engine told
  std::map<std::string, std::vector<pgwire::ValueFormat>> portal_formats_;
};

}  // namespace tickstone::server
