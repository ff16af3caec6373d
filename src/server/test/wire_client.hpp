// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <gsasl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/big_endian.hpp"

namespace tickstone::server {

/// A client that sends bytes and shows messages; its SCRAM is GNU SASL's, so that ours is not its own
/// witness.
class WireClient {
 public:
  struct Message {
    char type = 0;  // 0: the server has closed
    std::string body;
  };

  static WireClient tcp(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return WireClient(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  static WireClient local(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return WireClient(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  WireClient(WireClient&& other) noexcept
      : pid(other.pid),
        secret(other.secret),
        descriptor_(std::exchange(other.descriptor_, -1)),
        tls_(std::exchange(other.tls_, nullptr)) {}
  ~WireClient() { close(); }

  void close() {
    if (tls_ != nullptr) SSL_free(std::exchange(tls_, nullptr));
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                        : ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void send_message(char type, std::string_view body) { send(message(type, body)); }
  void query(std::string_view sql) { send_message('Q', std::string(sql) + '\0'); }

  static std::string message(char type, std::string_view body) {
    std::string out(1, type);
    append_big_endian(out, static_cast<std::int32_t>(body.size() + 4));
    return out.append(body);
  }
  static std::string startup_packet(std::string_view user, std::string_view database,
                                    std::uint32_t version = 0x30000) {
    std::string body;
    append_big_endian(body, version);
    for (const auto part : {std::string_view("user"), user, std::string_view("database"), database}) {
      body.append(part).push_back('\0');
    }
    body.push_back('\0');
    std::string out;
    append_big_endian(out, static_cast<std::int32_t>(body.size() + 4));
    return out + body;
  }
  static std::string request(std::uint32_t code) {
    std::string out;
    append_big_endian(out, std::int32_t{8});
    append_big_endian(out, code);
    return out;
  }

  /// Up to `size` bytes fewer when the server closes.
  std::string receive(std::size_t size) {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const auto got = tls_ != nullptr ? SSL_read(tls_, out.data() + have, static_cast<int>(size - have))
                                       : ::recv(descriptor_, out.data() + have, size - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
  }
  Message receive_message() {
    const auto head = receive(5);
    if (head.size() < 5) return {};
    return {head[0], receive(load_big_endian<std::uint32_t>(head.data() + 1) - 4)};
  }

  /// The types of the messages up to the first of type `last` or the end; an error as E(sqlstate), statuses
  /// as S, the end as a full stop.
  std::string receive_until(char last) {
    std::string seen;
    for (;;) {
      const auto next = receive_message();
      if (next.type == 0) return seen + ".";
      seen += next.type;
      if (next.type == 'E') seen += "(" + error_field(next.body, 'C') + ")";
      if (next.type == 'K') {
        pid = load_big_endian<std::int32_t>(next.body.data());
        secret = load_big_endian<std::int32_t>(next.body.data() + 4);
      }
      if (next.type == 'Z') seen += next.body;
      last_message = next;
      if (next.type == last) return seen;
    }
  }

  static std::string error_field(std::string_view body, char code) {
    while (!body.empty() && body[0] != '\0') {
      const auto end = body.find('\0');
      if (body[0] == code) return std::string(body.substr(1, end - 1));
      body.remove_prefix(end + 1);
    }
    return "";
  }

  /// Startup and SCRAM; returns the messages as `receive_until` does, the login's own left out.
  std::string log_in(const std::string& user, const std::string& password,
                     const std::string& database = "inavvi") {
    send(startup_packet(user, database));
    Gsasl* context = nullptr;
    Gsasl_session* session = nullptr;
    gsasl_init(&context);
    gsasl_client_start(context, "SCRAM-SHA-256", &session);
    gsasl_property_set(session, GSASL_AUTHID, user.c_str());
    gsasl_property_set(session, GSASL_PASSWORD, password.c_str());
    const auto step = [&](std::string_view input) {
      char* output = nullptr;
      std::size_t size = 0;
      gsasl_step(session, input.data(), input.size(), &output, &size);
      std::string out(output == nullptr ? "" : std::string(output, size));
      gsasl_free(output);
      return out;
    };
    std::string seen;
    for (bool is_done = false; !is_done;) {
      const auto next = receive_message();
      const auto code = next.type == 'R' ? load_big_endian<std::int32_t>(next.body.data()) : -1;
      if (code == 10) {
        const auto first = step("");
        std::string body("SCRAM-SHA-256\0", 14);
        append_big_endian(body, static_cast<std::int32_t>(first.size()));
        send_message('p', body + first);
      } else if (code == 11) {
        send_message('p', step(next.body.substr(4)));
      } else if (code == 12) {
        step(next.body.substr(4));
        server_is_proven = gsasl_property_fast(session, GSASL_SCRAM_SALTED_PASSWORD) != nullptr;
      } else {
        last_message = next;
        if (next.type == 'E') seen = "E(" + error_field(next.body, 'C') + ")";
        if (code == 0) seen = "R" + receive_until('Z');
        is_done = true;
      }
    }
    gsasl_finish(session);
    gsasl_done(context);
    return seen;
  }

  void start_tls() {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    tls_ = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_fd(tls_, descriptor_);
    if (SSL_connect(tls_) != 1) throw std::runtime_error("TLS");
  }

  std::int32_t pid = 0;
  std::int32_t secret = 0;
  bool server_is_proven = false;
  Message last_message;

 private:
  WireClient(int family, const sockaddr* address, socklen_t size)
      : descriptor_(::socket(family, SOCK_STREAM, 0)) {
    if (::connect(descriptor_, address, size) != 0) throw std::runtime_error("connect");
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }

  int descriptor_;
  SSL* tls_ = nullptr;
};

}  // namespace tickstone::server
