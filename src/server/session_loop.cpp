// SPDX-License-Identifier: Apache-2.0
#include "server/session_loop.hpp"

#include <new>
#include <utility>

#include <tickstone/error.hpp>

#include "types/text_encoding.hpp"
#include "types/utf8.hpp"

namespace tickstone::server {
namespace {

Error shutting_down() {
  return Error(ErrorCode::AdminShutdown, "terminating connection due to administrator command")
      .damaging(Damage::Session);
}

Error ended(engine::SessionEnd reason) {
  if (reason == engine::SessionEnd::Terminated) return shutting_down();
  return Error(ErrorCode::IdleInTransactionTimeout,
               "terminating connection due to idle-in-transaction timeout")
      .damaging(Damage::Session);
}

/// What a statement threw, as the client is told. Rethrows nothing: whatever it was becomes an Error.
template <typename Action>
std::optional<Error> error_of(Action&& action) {
  try {
    action();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::OutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    return Error(ErrorCode::InternalError, error.what());
  }
}

}  // namespace

void SessionLoop::run() {
  report_settings();
  channel_.writer().backend_key_data(connection_.pid(), connection_.secret());
  ready();
  for (;;) {
    if (registry_.is_stopping()) throw shutting_down();
    if (session_.is_listening()) wait_for_notifications();
    const auto frame = channel_.read_frame();
    if (registry_.is_stopping()) throw shutting_down();
    if (const auto reason = connection_.end_reason()) throw ended(*reason);
    if (!frame || handle(*frame) == Next::End) return;
  }
}

SessionLoop::Next SessionLoop::handle(const pgwire::Frame& frame) {
  is_between_statements_ = false;
  if (frame.type == 'X') return Next::End;
  if (frame.type == 'S') {
    sync();
    return Next::GoOn;
  }
  if (skips_to_sync_) return Next::GoOn;
  switch (frame.type) {
    case 'Q':
      return simple_query(frame.body);
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C':
      extended(frame);
      return Next::GoOn;
    case 'H':
      channel_.flush();
      return Next::GoOn;
    case 'd':
    case 'c':
    case 'f':
      return Next::GoOn;  // the rest of a COPY that has failed
    case 'F':
      send_error(Error(ErrorCode::FeatureNotSupported, "function calls by the fast path are not supported"));
      ready();
      return Next::GoOn;
    default:
      throw Error(ErrorCode::ProtocolViolation,
                  "invalid frontend message type " + std::to_string(static_cast<unsigned char>(frame.type)))
          .damaging(Damage::Session);
  }
}

// Boundary: what a statement throws ends here, as an ErrorResponse.
SessionLoop::Next SessionLoop::simple_query(std::string_view body) {
  sink_.set_result_formats({});
  const auto error = error_of([&] {
    const Connection::Busy busy(connection_);
    // A copy: COPY reads on into the buffer that the frame lies in.
    const std::string sql = text_of(pgwire::read_query(body).sql);
    session_.execute_simple(sql, sink_);
  });
  if (error) send_error(*error);
  if (sink_.take_statements_changed()) parameter_types_.clear();
  forget_portals();
  ready();
  return Next::GoOn;
}

// Boundary: as above.
void SessionLoop::extended(const pgwire::Frame& frame) {
  const auto error = error_of([&] {
    const Connection::Busy busy(connection_);
    switch (frame.type) {
      case 'P':
        parse(pgwire::read_parse(frame.body));
        break;
      case 'B':
        bind(pgwire::read_bind(frame.body));
        break;
      case 'D':
        describe(pgwire::read_describe(frame.body));
        break;
      case 'E':
        execute(pgwire::read_execute(frame.body));
        break;
      default:
        close(pgwire::read_close(frame.body));
        break;
    }
  });
  if (!error) return;
  skips_to_sync_ = true;
  send_error(*error);
  // A client in a pipeline that has asked for a flush waits for this, and its Sync may come much later.
  channel_.flush();
}

// Boundary: as above, for the commit of an implicit transaction.
void SessionLoop::sync() {
  const bool failed = std::exchange(skips_to_sync_, false);
  const auto error = error_of([&] {
    const Connection::Busy busy(connection_);
    session_.sync(failed, sink_);
  });
  if (error) send_error(*error);
  forget_portals();
  ready();
}

/// What the client has said, in UTF-8.
std::string SessionLoop::text_of(std::string_view said) const {
  if (const auto* encoding = session_.format_context().client) return encoding->to_utf8(said);
  check_utf8(said);
  return std::string(said);
}

void SessionLoop::parse(const pgwire::ParseMessage& message) {
  const std::string name(message.statement);
  parameter_types_.erase(name);
  session_.parse(name, text_of(message.sql), message.parameter_oids);
  channel_.writer().parse_complete();
}

const std::vector<SqlType>& SessionLoop::parameter_types(const std::string& statement) {
  const auto at = parameter_types_.find(statement);
  if (at != parameter_types_.end()) return at->second;
  auto types = session_.describe_statement(statement).parameter_types;
  return parameter_types_.insert_or_assign(statement, std::move(types)).first->second;
}

void SessionLoop::bind(const pgwire::BindMessage& message) {
  const std::string portal(message.portal);
  const std::string statement(message.statement);
  const auto& types = parameter_types(statement);
  if (message.parameters.size() != types.size()) {
    throw Error(ErrorCode::ProtocolViolation, "bind message supplies " +
                                                  std::to_string(message.parameters.size()) +
                                                  " parameters, but prepared statement \"" + statement +
                                                  "\" requires " + std::to_string(types.size()));
  }
  std::vector<Value> parameters;
  parameters.reserve(types.size());
  const auto& context = session_.format_context();
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto& given = message.parameters[i];
    if (!given) {
      parameters.push_back(Value::null_of(types[i]));
      continue;
    }
    try {
      parameters.push_back(pgwire::decode_parameter(types[i], message.parameter_format(i), *given, context));
    } catch (Error& error) {
      const auto number = std::to_string(i + 1);
      if (error.code() == ErrorCode::InvalidBinaryRepresentation &&
          error.message() == "incorrect binary data format") {
        throw Error(error.code(), error.message() + " in bind parameter " + number);
      }
      if (error.context().empty()) {
        error.in_context((portal.empty() ? "unnamed portal" : "portal \"" + portal + "\"") + " parameter $" +
                         number);
      }
      throw;
    }
  }
  session_.bind(portal, statement, std::move(parameters));
  portal_formats_.erase(portal);
  if (message.result_formats.size() > 1) {
    const auto columns = session_.describe_portal(portal);
    if (columns) pgwire::resolve_result_formats(message.result_formats, columns->size());
  }
  if (!message.result_formats.empty()) portal_formats_.emplace(portal, message.result_formats);
  channel_.writer().bind_complete();
}

const std::vector<pgwire::ValueFormat>& SessionLoop::formats_of(const std::string& portal) const {
  static const std::vector<pgwire::ValueFormat> kAllText;
  const auto at = portal_formats_.find(portal);
  return at == portal_formats_.end() ? kAllText : at->second;
}

void SessionLoop::describe(const pgwire::TargetMessage& message) {
  const std::string name(message.name);
  auto& writer = channel_.writer();
  const auto send_columns = [&](const std::optional<std::vector<engine::ResultColumn>>& columns,
                                const std::vector<pgwire::ValueFormat>& formats) {
    if (!columns) {
      writer.no_data();
      return;
    }
    writer.row_description(
        describe_fields(*columns, pgwire::resolve_result_formats(formats, columns->size())));
  };
  if (message.kind == pgwire::TargetMessage::Kind::Portal) {
    send_columns(session_.describe_portal(name), formats_of(name));
    return;
  }
  auto description = session_.describe_statement(name);
  writer.parameter_description(description.parameter_types);
  send_columns(description.columns, {});
  parameter_types_.insert_or_assign(name, std::move(description.parameter_types));
}

void SessionLoop::execute(const pgwire::ExecuteMessage& message) {
  const std::string portal(message.portal);
  sink_.set_result_formats(formats_of(portal));
  if (session_.execute(portal, message.max_rows, sink_) == engine::Session::ExecuteOutcome::Suspended) {
    channel_.writer().portal_suspended();
  }
  if (sink_.take_statements_changed()) parameter_types_.clear();
}

void SessionLoop::close(const pgwire::TargetMessage& message) {
  const std::string name(message.name);
  if (message.kind == pgwire::TargetMessage::Kind::Portal) {
    portal_formats_.erase(name);
    session_.close_portal(name);
  } else {
    parameter_types_.erase(name);
    session_.close_statement(name);
  }
  channel_.writer().close_complete();
}

void SessionLoop::send_error(const Error& error) {
  // A statement that shutdown has cancelled, or a client that shutdown has cut off: say so rather.
  if (registry_.is_stopping()) throw shutting_down();
  if (error.damage() == Damage::Session || error.damage() == Damage::Database) throw error;
  channel_.writer().error_response(error);
}

/// Portals end with their transaction.
void SessionLoop::forget_portals() {
  if (session_.transaction_status() == engine::TransactionStatus::Idle) portal_formats_.clear();
}

void SessionLoop::report_settings() {
  channel_.writer().set_encoding(session_.format_context().client);
  for (const auto& [name, value] : session_.take_reported_settings())
    channel_.writer().parameter_status(name, value);
}

/// What has come is told between transactions.
void SessionLoop::send_notifications() {
  if (!session_.has_notifications() || session_.transaction_status() != engine::TransactionStatus::Idle)
    return;
  for (const auto& notification : session_.take_notifications())
    channel_.writer().notification_response(notification.pid, notification.channel, notification.payload);
}

/// Until the client says something; what comes meanwhile is sent at once.
void SessionLoop::wait_for_notifications() {
  const int wake = connection_.wake_descriptor();
  do {
    if (!is_between_statements_) return;
    send_notifications();
    channel_.flush();
  } while (channel_.wait_for_wake(wake));
}

void SessionLoop::ready() {
  report_settings();
  send_notifications();
  channel_.writer().ready_for_query(static_cast<char>(session_.transaction_status()));
  channel_.flush();
  is_between_statements_ = true;
}

}  // namespace tickstone::server
