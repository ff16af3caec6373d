// SPDX-License-Identifier: Apache-2.0
#include "pgwire/backend_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tickstone::pgwire {
namespace {

using namespace std::string_view_literals;

template <typename Write>
std::string written(Write write) {
  std::string out = "before";  // messages are appended
  BackendWriter writer(out);
  write(writer);
  EXPECT_TRUE(out.starts_with("before"));
  return out.substr(6);
}

TEST(BackendWriter, WritesTheLogin) {
  EXPECT_EQ(written([](auto& w) { w.authentication_ok(); }), "R\0\0\0\x08\0\0\0\0"sv);
  EXPECT_EQ(written([](auto& w) {
              const std::string_view mechanisms[] = {"SCRAM-SHA-256"};
              w.authentication_sasl(mechanisms);
            }),
            "R\0\0\0\x17\0\0\0\x0ASCRAM-SHA-256\0\0"sv);
  EXPECT_EQ(written([](auto& w) { w.authentication_sasl_continue("r=x"); }), "R\0\0\0\x0B\0\0\0\x0Br=x"sv);
  EXPECT_EQ(written([](auto& w) { w.authentication_sasl_final("v=x"); }), "R\0\0\0\x0B\0\0\0\x0Cv=x"sv);
  EXPECT_EQ(written([](auto& w) { w.backend_key_data(7, -1); }), "K\0\0\0\x0C\0\0\0\7\xFF\xFF\xFF\xFF"sv);
  EXPECT_EQ(written([](auto& w) { w.parameter_status("TimeZone", "UTC"); }), "S\0\0\0\x11TimeZone\0UTC\0"sv);
  EXPECT_EQ(written([](auto& w) { w.ready_for_query('T'); }), "Z\0\0\0\5T"sv);
  EXPECT_EQ(written([](auto& w) {
              const std::string options[] = {"_pq_.x"};
              w.negotiate_protocol_version(0, options);
            }),
            "v\0\0\0\x13\0\0\0\0\0\0\0\1_pq_.x\0"sv);
}

TEST(BackendWriter, DescribesRows) {
  const FieldDescription fields[] = {{.name = "px",
                                      .type = SqlType::numeric(10, 2),
                                      .table_oid = 5,
                                      .column_number = 2,
                                      .format = ValueFormat::Binary}};
  EXPECT_EQ(written([&](auto& w) { w.row_description(fields); }),
            "T\0\0\0\x1B\0\1px\0\0\0\0\5\0\2\0\0\6\xA4\xFF\xFF\0\x0A\0\6\0\1"sv);
  const SqlType types[] = {SqlType::of(TypeId::Integer), SqlType::array_of(TypeId::Text)};
  EXPECT_EQ(written([&](auto& w) { w.parameter_description(types); }),
            "t\0\0\0\x0E\0\2\0\0\0\x17\0\0\3\xF1"sv);
}

TEST(BackendWriter, WritesEmptyMessages) {
  EXPECT_EQ(written([](auto& w) { w.parse_complete(); }), "1\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.bind_complete(); }), "2\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.close_complete(); }), "3\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.no_data(); }), "n\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.portal_suspended(); }), "s\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.empty_query_response(); }), "I\0\0\0\4"sv);
  EXPECT_EQ(written([](auto& w) { w.copy_done(); }), "c\0\0\0\4"sv);
}

TEST(BackendWriter, WritesCopyMessages) {
  EXPECT_EQ(written([](auto& w) { w.copy_in_response(ValueFormat::Text, 2); }),
            "G\0\0\0\x0B\0\0\2\0\0\0\0"sv);
  EXPECT_EQ(written([](auto& w) { w.copy_out_response(ValueFormat::Binary, 1); }), "H\0\0\0\x09\1\0\1\0\1"sv);
  EXPECT_EQ(written([](auto& w) { w.copy_data("ab"); }), "d\0\0\0\6ab"sv);
}

TEST(BackendWriter, WritesErrorsWithTheirFields) {
  const auto error =
      Error(ErrorCode::UniqueViolation, "duplicate key", "Key (a)=(1) already exists.", "Try another.")
          .at(9)
          .in_context("COPY t, line 1")
          .about("t", "", "t_pkey");
  const auto out = written([&](auto& w) { w.error_response(error); });
  EXPECT_THAT(out, testing::StartsWith("E"));
  for (const auto field :
       {"SERROR\0"sv, "VERROR\0"sv, "C23505\0"sv, "Mduplicate key\0"sv, "DKey (a)=(1) already exists.\0"sv,
        "HTry another.\0"sv, "P9\0"sv, "WCOPY t, line 1\0"sv, "spublic\0"sv, "tt\0"sv, "nt_pkey\0"sv,
        "Fbackend_writer_test.cpp\0"sv, "RTestBody\0"sv}) {
    EXPECT_THAT(out, testing::HasSubstr(std::string(field)));
  }
  EXPECT_THAT(out, testing::Not(testing::HasSubstr("/backend_writer_test.cpp")));
  EXPECT_THAT(out, testing::EndsWith(std::string("\0\0", 2)));
}

TEST(BackendWriter, MakesErrorTextUtf8) {
  const Error error(ErrorCode::CharacterNotInRepertoire, "bad \xFF\xC0\x80 \xC3\xA9 \xED\xA0\x80 text");
  const auto out = written([&](auto& w) { w.error_response(error, "FATAL"); });
  EXPECT_THAT(out, testing::HasSubstr(std::string("Mbad ??? \xC3\xA9 ??? text\0", 21)));
}

TEST(BackendWriter, WritesNotices) {
  const auto out = written([](auto& w) {
    w.notice_response(
        {.severity = "NOTICE", .sqlstate = "00000", .message = "skipping", .detail = {}, .hint = {}});
  });
  EXPECT_EQ(out, "N\0\0\0\x26SNOTICE\0VNOTICE\0C00000\0Mskipping\0\0"sv);
}

}  // namespace
}  // namespace tickstone::pgwire
