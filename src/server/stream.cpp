// SPDX-License-Identifier: Apache-2.0
#include "server/stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::ConnectionFailure, message).damaging(Damage::Session);
}

[[noreturn]] void fail_tls(const char* what) {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  fail(std::string(what) + (reason == nullptr ? "" : std::string(": ") + reason));
}

}  // namespace

void Stream::FreeTls::operator()(ssl_st* tls) const { SSL_free(tls); }

Stream::~Stream() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_.get());
    ERR_clear_error();
    tls_.reset();
  }
  ::close(descriptor_);
}

void Stream::wait(short events) const {
  if (!deadline_) return;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) fail("connection timed out");
    pollfd poll_one{descriptor_, events, 0};
    const int ready = ::poll(&poll_one, 1, static_cast<int>(left.count()) + 1);
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR)
      fail(std::string("could not wait for the client: ") + std::strerror(errno));
  }
}

void Stream::start_tls(const TlsContext& context) {
  tls_.reset(SSL_new(context.get()));
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), descriptor_) != 1) fail_tls("could not start TLS");
  // With a deadline the handshake's reads may not block without bound; the socket's own timeout bounds each.
  if (deadline_) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    timeval timeout{std::max<time_t>(left.count() / 1000, 1), 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  }
  const int result = SSL_accept(tls_.get());
  timeval none{0, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
  if (result != 1) {
    tls_.reset();
    fail_tls("could not accept TLS connection");
  }
}

bool Stream::wait_for_wake(int wake) const {
  if (tls_ != nullptr && SSL_pending(tls_.get()) > 0) return false;
  for (;;) {
    std::array<pollfd, 2> both = {pollfd{descriptor_, POLLIN, 0}, pollfd{wake, POLLIN, 0}};
    if (::poll(both.data(), both.size(), -1) < 0) {
      if (errno == EINTR) continue;
      fail(std::string("could not wait for the client: ") + std::strerror(errno));
    }
    if (both[1].revents == 0) return false;
    std::uint64_t times = 0;
    return ::read(wake, &times, sizeof(times)) == sizeof(times);
  }
}

bool Stream::has_certificate() const {
  if (tls_ == nullptr || SSL_get_verify_mode(tls_.get()) == SSL_VERIFY_NONE) return false;
  X509* certificate = SSL_get1_peer_certificate(tls_.get());
  if (certificate == nullptr) return false;
  X509_free(certificate);
  return SSL_get_verify_result(tls_.get()) == X509_V_OK;
}

std::optional<std::string> Stream::certificate_name() const {
  if (!has_certificate()) return std::nullopt;
  const X509_NAME* subject = X509_get_subject_name(SSL_get0_peer_certificate(tls_.get()));
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::nullopt;
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return std::nullopt;
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  // A name with a zero in it could pass for its first part.
  if (name.empty() || name.find('\0') != std::string::npos) return std::nullopt;
  return name;
}

TlsUse Stream::tls_use() const {
  TlsUse use;
  if (tls_ == nullptr) return use;
  use.version = SSL_get_version(tls_.get());
  use.cipher = SSL_get_cipher(tls_.get());
  use.key_bits = SSL_get_cipher_bits(tls_.get(), nullptr);
  if (!has_certificate()) return use;
  X509* const certificate = SSL_get0_peer_certificate(tls_.get());
  const auto name_of = [](const X509_NAME* name) {
    char text[256];
    return std::string(X509_NAME_oneline(name, text, sizeof(text)) == nullptr ? "" : text);
  };
  use.client_name = name_of(X509_get_subject_name(certificate));
  use.issuer_name = name_of(X509_get_issuer_name(certificate));
  BIGNUM* const serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  if (serial == nullptr) return use;
  if (char* const digits = BN_bn2dec(serial); digits != nullptr) {
    use.client_serial = digits;
    OPENSSL_free(digits);
  }
  BN_free(serial);
  return use;
}

std::string Stream::end_point_binding() const {
  X509* certificate = tls_ == nullptr ? nullptr : SSL_get_certificate(tls_.get());
  int digest = NID_undef;
  if (certificate == nullptr || X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1)
    return {};
  // The RFC has the two that are broken replaced.
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  const EVP_MD* algorithm = digest == NID_undef ? nullptr : EVP_get_digestbynid(digest);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned int size = 0;
  if (algorithm == nullptr || X509_digest(certificate, algorithm, hash.data(), &size) != 1) {
    ERR_clear_error();
    return {};
  }
  return {reinterpret_cast<const char*>(hash.data()), size};
}

std::size_t Stream::read_some(std::span<char> into) {
  if (tls_ != nullptr) {
    if (SSL_pending(tls_.get()) == 0) wait(POLLIN);
    const int got =
        SSL_read(tls_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1U << 30)));
    if (got > 0) return static_cast<std::size_t>(got);
    const int problem = SSL_get_error(tls_.get(), got);
    if (problem == SSL_ERROR_ZERO_RETURN || (problem == SSL_ERROR_SYSCALL && errno == 0)) return 0;
    fail_tls("could not receive data from client");
  }
  for (;;) {
    wait(POLLIN);
    const auto got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == ECONNRESET) return 0;
    if (errno != EINTR) fail(std::string("could not receive data from client: ") + std::strerror(errno));
  }
}

void Stream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    wait(POLLOUT);
    if (tls_ != nullptr) {
      const int sent = SSL_write(tls_.get(), bytes.data(),
                                 static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 30)));
      if (sent <= 0) fail_tls("could not send data to client");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      fail(std::string("could not send data to client: ") + std::strerror(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace tickstone::server
