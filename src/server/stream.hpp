// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/tls_use.hpp"
#include "server/tls_context.hpp"

namespace tickstone::server {

/// A connected socket with blocking reads and writes, in the clear or under TLS. Owns the socket.
///
/// Errors: ConnectionFailure, damaging the session, when the peer is gone or the deadline has passed.
/// Threads: one; another may call `::shutdown` on `descriptor()` to wake it.
class Stream {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit Stream(int descriptor) : descriptor_(descriptor) {}
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int descriptor() const { return descriptor_; }
  bool is_tls() const { return tls_ != nullptr; }

  /// The common name in the client's certificate; nothing without one that was verified, or with a name that
  /// is none.
  std::optional<std::string> certificate_name() const;
  bool has_certificate() const;
  /// What pg_stat_ssl shows.
  TlsUse tls_use() const;
  /// What a login can be bound to: the hash of the server's certificate, tls-server-end-point of RFC 5929.
  /// Empty in the clear, and where the certificate's signature has no hash of its own (Ed25519).
  std::string end_point_binding() const;

  /// The server's side of a TLS handshake. Lifetime: `context` outlives the stream.
  void start_tls(const TlsContext& context);
  /// Waits for bytes, or until `wake`, an eventfd, is written to: true then, and it is read.
  bool wait_for_wake(int wake) const;
  /// Waits for bytes; 0 when the peer has closed its side.
  std::size_t read_some(std::span<char> into);
  void write_all(std::string_view bytes);

  /// Reads and writes after this instant fail; none: they wait for ever.
  void set_deadline(std::optional<Deadline> deadline) { deadline_ = deadline; }

 private:
  struct FreeTls {
    void operator()(ssl_st* tls) const;
  };
  void wait(short events) const;

  int descriptor_;
  std::unique_ptr<ssl_st, FreeTls> tls_;
  std::optional<Deadline> deadline_;
};

}  // namespace tickstone::server
