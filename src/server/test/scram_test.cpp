// SPDX-License-Identifier: Apache-2.0
#include "server/scram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

// The example of RFC 7677: user "user", password "pencil", salt W22ZaJ0SNY7soEsUEjb6gQ==, 4096 iterations.
constexpr std::string_view kPencil =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

ScramExchange pencil_exchange() { return {*parse_scram_verifier(kPencil), std::string(kServerNonce)}; }

TEST(Scram, FollowsTheRfcsExample) {
  auto exchange = pencil_exchange();
  EXPECT_EQ(exchange.first(kClientFirst),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  EXPECT_EQ(exchange.last(kClientFinal), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, RefusesAWrongProof) {
  auto exchange = pencil_exchange();
  exchange.first(kClientFirst);
  std::string wrong(kClientFinal);
  wrong[wrong.size() - 5] = wrong[wrong.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(exchange.last(wrong), std::nullopt);
}

TEST(Scram, RefusesAnotherNonceOrBinding) {
  auto exchange = pencil_exchange();
  exchange.first(kClientFirst);
  EXPECT_THROW(exchange.last("c=biws,r=other,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), Error);
  EXPECT_THROW(exchange.last("c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=eA=="), Error);
}

TEST(Scram, RefusesMalformedMessages) {
  for (const char* message : {"", "n", "n,", "x,,n=,r=a", "n,a=b,n=,r=a", "p=tls-unique,,n=,r=a",
                              "n,,m=x,n=,r=a", "n,,r=a", "n,,n=u", "n,,n=u,r=", "n,,n=u,r=a\x01"}) {
    auto exchange = pencil_exchange();
    EXPECT_THROW(exchange.first(message), Error) << message;
  }
  for (const char* message : {"", "c=biws", "c=biws,r=x", "p=eA=="}) {
    auto exchange = pencil_exchange();
    exchange.first(kClientFirst);
    EXPECT_THROW(exchange.last(message), Error) << message;
  }
}

TEST(Scram, BindsTheProofToTheConnection) {
  // The same nonces and proof as the example's are wrong with another header, so only the binding is looked
  // at.
  const auto bound = [](std::string binding) {
    ScramExchange exchange(*parse_scram_verifier(kPencil), std::string(kServerNonce),
                           {std::move(binding), true});
    exchange.first("p=tls-server-end-point,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    return exchange;
  };
  const std::string rest =
      ",r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const std::string header_and_abc = "cD10bHMtc2VydmVyLWVuZC1wb2ludCwsYWJj";
  EXPECT_EQ(bound("abc").last("c=" + header_and_abc + rest), std::nullopt);
  const auto refused_with = [](ErrorCode code, auto&& run) {
    try {
      run();
      return false;
    } catch (const Error& error) {
      return error.code() == code;
    }
  };
  EXPECT_TRUE(refused_with(ErrorCode::InvalidAuthorization,
                           [&] { bound("xyz").last("c=" + header_and_abc + rest); }));
  EXPECT_TRUE(refused_with(ErrorCode::InvalidAuthorization, [&] { bound("abc").last("c=biws" + rest); }));
}

TEST(Scram, RefusesAFlagThatIsNotOfTheMechanism) {
  const auto code_of = [](ScramChannel channel, std::string_view message) -> std::optional<ErrorCode> {
    try {
      ScramExchange(*parse_scram_verifier(kPencil), std::string(kServerNonce), std::move(channel))
          .first(message);
      return std::nullopt;
    } catch (const Error& error) {
      return error.code();
    }
  };
  const std::string user = ",,n=user,r=abc";
  EXPECT_EQ(code_of({"abc", true}, "p=tls-server-end-point" + user), std::nullopt);
  EXPECT_EQ(code_of({"abc", true}, "p=tls-unique" + user), ErrorCode::ProtocolViolation);
  EXPECT_EQ(code_of({"abc", true}, "n" + user), ErrorCode::ProtocolViolation);
  EXPECT_EQ(code_of({"abc", true}, "y" + user), ErrorCode::ProtocolViolation);
  EXPECT_EQ(code_of({"abc", false}, "p=tls-server-end-point" + user), ErrorCode::ProtocolViolation);
  EXPECT_EQ(code_of({"abc", false}, "n" + user), std::nullopt);
  // A client that would bind was told that it cannot, which is not so.
  EXPECT_EQ(code_of({"abc", false}, "y" + user), ErrorCode::InvalidAuthorization);
  EXPECT_EQ(code_of({"", false}, "y" + user), std::nullopt);
}

TEST(Scram, MakesVerifiersThatReadBack) {
  const auto text = make_scram_verifier("postgres");
  EXPECT_THAT(text, testing::StartsWith("SCRAM-SHA-256$4096:"));
  EXPECT_TRUE(parse_scram_verifier(text).has_value());
  EXPECT_NE(make_scram_verifier("postgres"), text);  // another salt
  EXPECT_EQ(make_scram_verifier(text), text);
}

TEST(Scram, RefusesTextsThatAreNoVerifiers) {
  for (const char* text :
       {"", "md5abc", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:$a:b", "SCRAM-SHA-256$x:AAAA$AAAA:AAAA",
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA", "SCRAM-SHA-256$0:AAAA$AAAA:AAAA"}) {
    EXPECT_EQ(parse_scram_verifier(text).has_value(), false) << text;
  }
}

TEST(Scram, MocksTheSameSaltForOneName) {
  ScramKey secret;
  secret.fill(7);
  const auto a = make_mock_verifier("ann", secret);
  EXPECT_EQ(a.salt, make_mock_verifier("ann", secret).salt);
  EXPECT_NE(a.salt, make_mock_verifier("bob", secret).salt);
  EXPECT_EQ(a.salt.size(), parse_scram_verifier(make_scram_verifier("x"))->salt.size());
  EXPECT_EQ(a.iterations, parse_scram_verifier(make_scram_verifier("x"))->iterations);
}

}  // namespace
}  // namespace tickstone::server
