// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "duck/test/fake_store.hpp"

// What PostgreSQL 15 answers, type by type. Trailing zeros of NUMERIC are not kept, so they are left out.

namespace tickstone::duck::test {
namespace {

struct Case {
  const char* query;
  const char* rows;  // by ` // `, columns by `|`; or the error
  const char* types;
};

constexpr Case kCases[] = {
    {R"~(select 7/2)~", R"~(3)~", "integer"},
    {R"~(select -7/2)~", R"~(-3)~", "integer"},
    {R"~(select 7%3, -7%3)~", R"~(1|-1)~", "integer,integer"},
    {R"~(select 1/0)~", R"~(ERROR 22012 division by zero)~", ""},
    {R"~(select 1.5/0)~", R"~(ERROR 22012 division by zero)~", ""},
    {R"~(select 1.0::double/0)~", R"~(ERROR 22012 division by zero)~", ""},
    {R"~(select 2147483647 + 1)~", R"~(ERROR 22003 integer out of range)~", ""},
    {R"~(select 32767::smallint + 1::smallint)~", R"~(ERROR 22003 smallint out of range)~", ""},
    {R"~(select 9223372036854775807 + 1)~", R"~(ERROR 22003 bigint out of range)~", ""},
    {R"~(select 9223372036854775807 * 2)~", R"~(ERROR 22003 bigint out of range)~", ""},
    {R"~(select 2147483647::bigint + 1)~", R"~(2147483648)~", "bigint"},
    {R"~(select 10.0/3)~", R"~(3.3333333333333333)~", "numeric"},
    {R"~(select pg_cast_numeric(1)/3)~", R"~(0.33333333333333333333)~", "numeric"},
    {R"~(select pg_cast_numeric(2)/3)~", R"~(0.66666666666666666667)~", "numeric"},
    {R"~(select 123456789.5/7)~", R"~(17636684.214285714286)~", "numeric"},
    {R"~(select 100/7.0)~", R"~(14.2857142857142857)~", "numeric"},
    {R"~(select 1000000.0*1000000.0)~", R"~(1000000000000)~", "numeric"},
    {R"~(select 123456.123456::decimal(18,6) * 999999999999.999999::decimal(18,6))~",
     R"~(123456123455999999.876543876544)~", "numeric"},
    {R"~(select 0.1+0.2)~", R"~(0.3)~", "numeric"},
    {R"~(select 0.1::double+0.2)~", R"~(0.30000000000000004)~", "double precision"},
    {R"~(select 1::real + pg_cast_numeric(1))~", R"~(2)~", "double precision"},
    {R"~(select 1::real + 1::int)~", R"~(2)~", "double precision"},
    {R"~(select 5.5 % 2)~", R"~(1.5)~", "numeric"},
    {R"~(select mod(5.5, 2), mod(7, 3))~", R"~(1.5|1)~", "numeric,integer"},
    {R"~(select 1 + null)~", R"~()~", "integer"},
    {R"~(select avg(x) from (values (1),(2),(4)) t(x))~", R"~(2.3333333333333333)~", "numeric"},
    {R"~(select avg(x) from (values (1.5),(2.25),(4)) t(x))~", R"~(2.5833333333333333)~", "numeric"},
    {R"~(select avg(x) from (values (187.15),(187.2)) t(x))~", R"~(187.175)~", "numeric"},
    {R"~(select avg(x::double) from (values (1),(2),(4)) t(x))~", R"~(2.3333333333333335)~",
     "double precision"},
    {R"~(select avg(x::bigint) from (values (1),(2),(4)) t(x))~", R"~(2.3333333333333333)~", "numeric"},
    {R"~(select avg(x::real) from (values (1),(2),(4)) t(x))~", R"~(2.3333333333333335)~",
     "double precision"},
    {R"~(select sum(x) from (values (1),(2),(4)) t(x))~", R"~(7)~", "bigint"},
    {R"~(select sum(x::smallint) from (values (1),(2),(4)) t(x))~", R"~(7)~", "bigint"},
    {R"~(select sum(x::bigint) from (values (1),(2),(4)) t(x))~", R"~(7)~", "numeric"},
    {R"~(select sum(x) from (values (1.5),(2.25)) t(x))~", R"~(3.75)~", "numeric"},
    {R"~(select sum(x::double) from (values (1.5),(2.25)) t(x))~", R"~(3.75)~", "double precision"},
    {R"~(select sum(x::real) from (values (1.5),(2.25)) t(x))~", R"~(3.75)~", "real"},
    {R"~(select stddev(x) from (values (1),(2),(4)) t(x))~", R"~(1.5275252316519467)~", "numeric"},
    {R"~(select stddev_samp(x), stddev_pop(x), variance(x), var_pop(x), var_samp(x) from (values (1.5),(2.25),(4)) t(x))~",
     R"~(1.282900359861721|1.04748375749804455964|1.6458333333333333|1.09722222222222222222|1.6458333333333333)~",
     "numeric,numeric,numeric,numeric,numeric"},
    {R"~(select stddev(x::double), variance(x::double), var_pop(x::double) from (values (1.5),(2.25),(4)) t(x))~",
     R"~(1.282900359861721|1.6458333333333333|1.097222222222222)~",
     "double precision,double precision,double precision"},
    {R"~(select stddev(x) from (values (1)) t(x))~", R"~()~", "numeric"},
    {R"~(select avg(x), sum(x), count(x) from (values (null::int)) t(x))~", R"~(||0)~",
     "numeric,bigint,bigint"},
    {R"~(select min(x), max(x) from (values (1.5),(2.25)) t(x))~", R"~(1.5|2.25)~", "numeric,numeric"},
    {R"~(select avg(x) over (order by x rows between 1 preceding and current row) from (values (1.5),(2.25),(4)) t(x))~",
     R"~(1.5 // 1.875 // 3.125)~", "numeric"},
    {R"~(select sum(x) over (order by x) from (values (1),(2),(4)) t(x))~", R"~(1 // 3 // 7)~", "bigint"},
    {R"~(select round(2.5), round(-2.5), round(3.14159, 2), round(1234.5, -2))~", R"~(3|-3|3.14|1200)~",
     "numeric,numeric,numeric,numeric"},
    {R"~(select round(2.5::double), round(3.5::double))~", R"~(2|4)~", "double precision,double precision"},
    {R"~(select trunc(2.7), trunc(-2.789, 1), trunc(1299, -2))~", R"~(2|-2.7|1200)~",
     "numeric,numeric,numeric"},
    {R"~(select ceil(2.1), floor(-2.1), ceil(2.1::double), ceiling(3))~", R"~(3|-3|3|3)~",
     "numeric,numeric,double precision,double precision"},
    {R"~(select abs(-2.5), abs(-3), sign(-2.5), sign(3::double))~", R"~(2.5|3|-1|1)~",
     "numeric,integer,numeric,double precision"},
    {R"~(select sqrt(2), sqrt(2.0), sqrt(144.0), sqrt(0.0001))~",
     R"~(1.4142135623730951|1.414213562373095|12|0.01)~", "double precision,numeric,numeric,numeric"},
    {R"~(select exp(1.0), exp(2::double), ln(2.0), ln(10::double), log(100.0), log(2.0, 64.0))~",
     R"~(2.7182818284590452|7.38905609893065|0.6931471805599453|2.302585092994046|2|6)~",
     "numeric,double precision,numeric,double precision,numeric,numeric"},
    {R"~(select power(2, 10), power(2.5, 2), 2 ^ 3, 2.0 ^ 0.5, power(1.05, 10))~",
     R"~(1024|6.25|8|1.414213562373095|1.6288946267774414)~",
     "double precision,numeric,double precision,numeric,numeric"},
    {R"~(select sqrt(-1))~", R"~(ERROR 2201F cannot take square root of a negative number)~", ""},
    {R"~(select ln(0))~", R"~(ERROR 2201E cannot take logarithm of zero)~", ""},
    {R"~(select ln(-1.0))~", R"~(ERROR 2201E cannot take logarithm of a negative number)~", ""},
    {R"~(select power(0, -1))~", R"~(ERROR 2201F zero raised to a negative power is undefined)~", ""},
    {R"~(select power(-2.0, 0.5))~",
     R"~(ERROR 2201F a negative number raised to a non-integer power yields a complex result)~", ""},
    {R"~(select width_bucket(5.35, 0.024, 10.06, 5), width_bucket(3::double, 0, 10, 5))~", R"~(3|2)~",
     "integer,integer"},
    {R"~(select div(9, 4))~", R"~(2)~", "numeric"},
    {R"~(select 2.5::int, 3.5::int, -2.5::int)~", R"~(3|4|-3)~", "integer,integer,integer"},
    {R"~(select 2.5::double::int, 3.5::double::int, 1e10::double::int8)~", R"~(2|4|10000000000)~",
     "integer,integer,bigint"},
    {R"~(select 3000000000::bigint::int)~", R"~(ERROR 22003 integer out of range)~", ""},
    {R"~(select 1e10::double::int)~", R"~(ERROR 22003 integer out of range)~", ""},
    {R"~(select 'abc'::int)~", R"~(ERROR 22P02 invalid input syntax for type integer: "abc")~", ""},
    {R"~(select '12'::int, ' 42 '::int)~", R"~(12|42)~", "integer,integer"},
    {R"~(select pg_cast_numeric('abc'))~", R"~(ERROR 22P02 invalid input syntax for type numeric: "abc")~",
     ""},
    {R"~(select pg_cast_numeric('1.50'), pg_cast_numeric('1e-5'))~", R"~(1.5|0.00001)~", "numeric,numeric"},
    {R"~(select pg_cast_numeric(187.15::double), pg_cast_numeric(0.1::double), pg_cast_numeric(1.1::real))~",
     R"~(187.15|0.1|1.1)~", "numeric,numeric,numeric"},
    {R"~(select '12.345'::decimal(6,2), pg_numeric_typmod(12.345, 4, 1))~", R"~(12.35|12.3)~",
     "numeric,numeric"},
    {R"~(select pg_numeric_typmod(12345.6, 4, 1))~", R"~(ERROR 22003 numeric field overflow)~", ""},
    {R"~(select 't'::boolean, 'yes'::boolean, 'off'::boolean, '1'::boolean)~", R"~(t|t|f|t)~",
     "boolean,boolean,boolean,boolean"},
    {R"~(select 'maybe'::boolean)~", R"~(ERROR 22P02 invalid input syntax for type boolean: "maybe")~", ""},
    {R"~(select '2026-01-05'::date, 'Jan 5 2026'::date)~", R"~(2026-01-05|2026-01-05)~", "date,date"},
    {R"~(select '2026-13-05'::date)~", R"~(ERROR 22008 date/time field value out of range: "2026-13-05")~",
     ""},
    {R"~(select 'x'::date)~", R"~(ERROR 22007 invalid input syntax for type date: "x")~", ""},
    {R"~(select '2026-01-05 10:00'::timestamp, '2026-01-05T10:00:00Z'::timestamptz)~",
     R"~(2026-01-05 10:00:00|2026-01-05 10:00:00+00)~",
     "timestamp without time zone,timestamp with time zone"},
    {R"~(select '2026-01-05 14:30:00 America/New_York'::timestamptz)~", R"~(2026-01-05 19:30:00+00)~",
     "timestamp with time zone"},
    {R"~(select '2026-01-05 14:30:00.123456+05:30'::timestamptz)~", R"~(2026-01-05 09:00:00.123456+00)~",
     "timestamp with time zone"},
    {R"~(select '1 day 02:00:00'::interval, '5 minutes'::interval, 'P1DT2H'::interval, '1 mon ago'::interval)~",
     R"~(1 day 02:00:00|00:05:00|1 day 02:00:00|-1 mons)~", "interval,interval,interval,interval"},
    {R"~(select '{a,b,NULL}'::varchar[])~", R"~({a,b,NULL})~", "text[]"},
    {R"~(select '{1,2,3}'::int[])~", R"~({1,2,3})~", "integer[]"},
    {R"~(select '{1,x}'::int[])~", R"~(ERROR 22P02 invalid input syntax for type integer: "x")~", ""},
    {R"~(select '{"b":1, "a":[1, 2]}'::jsonb)~", R"~({"a": [1, 2], "b": 1})~", "jsonb"},
    {R"~(select '{"b":1, "a":[1, 2]}'::json)~", R"~({"b":1, "a":[1, 2]})~", "json"},
    {R"~(select '{bad'::jsonb)~", R"~(ERROR 22P02 invalid input syntax for type json)~", ""},
    {R"~(select '2026-01-05 10:00+00'::timestamptz::varchar, '1 day'::interval::varchar)~",
     R"~(2026-01-05 10:00:00+00|1 day)~", "text,text"},
    {R"~(select array[1,2]::varchar, array['a b','c']::varchar)~", R"~({1,2}|{"a b",c})~", "text,text"},
    {R"~(select date '2026-01-05' + 3, date '2026-01-05' - date '2026-01-01', 3 + date '2026-01-05')~",
     R"~(2026-01-08|4|2026-01-08)~", "date,integer,date"},
    {R"~(select date '2026-01-05' + interval '1 day', timestamp '2026-01-31 10:00' + interval '1 month')~",
     R"~(2026-01-06 00:00:00|2026-02-28 10:00:00)~",
     "timestamp without time zone,timestamp without time zone"},
    {R"~(select timestamptz '2026-01-31 10:00+00' - timestamptz '2026-01-01 09:00+00')~",
     R"~(30 days 01:00:00)~", "interval"},
    {R"~(select timestamp '2026-01-01' - timestamp '2026-01-31 10:00')~", R"~(-30 days -10:00:00)~",
     "interval"},
    {R"~(select timestamptz '2026-01-31 10:00+00' - interval '1 month 2 days 3 hours')~",
     R"~(2025-12-29 07:00:00+00)~", "timestamp with time zone"},
    {R"~(select interval '1 day' * 1.5, interval '1 month' / 2, interval '1 hour' + interval '1 day', - interval '1 day')~",
     R"~(1 day 12:00:00|15 days|1 day 01:00:00|-1 days)~", "interval,interval,interval,interval"},
    {R"~(select time '10:00' + interval '15 hours', time '10:00' - time '09:00')~", R"~(01:00:00|01:00:00)~",
     "time without time zone,interval"},
    {R"~(select date '2026-01-05' + time '10:00')~", R"~(2026-01-05 10:00:00)~",
     "timestamp without time zone"},
    {R"~(select timestamp '2026-01-05' + 1)~",
     R"~(ERROR 42883 operator does not exist: timestamp without time zone + integer)~", ""},
    {R"~(select cast(date_part('epoch', interval '1 day') as decimal(18,6)), cast(date_part('year', date '2026-01-05') as decimal(18,0)))~",
     R"~(86400|2026)~", "numeric,numeric"},
    {R"~(select date_part('dow', timestamptz '2026-01-05 10:00+00'), date_part('week', date '2026-01-01'), date_part('isoyear', date '2027-01-01'), date_part('doy', timestamp '2026-03-01'))~",
     R"~(1|1|2026|60)~", "double precision,double precision,double precision,double precision"},
    {R"~(select date_part('second', timestamp '2026-01-05 10:00:30.5'), date_part('milliseconds', timestamp '2026-01-05 10:00:30.5'), date_part('microseconds', timestamp '2026-01-05 10:00:30.5'))~",
     R"~(30.5|30500|30500000)~", "double precision,double precision,double precision"},
    {R"~(select date_part('epoch', timestamptz '2026-01-05 10:00:30.5+00'), date_part('century', date '2026-01-01'), date_part('decade', date '2026-01-01'), date_part('julian', date '2026-01-01'))~",
     R"~(1767607230.5|21|202|2461042)~",
     "double precision,double precision,double precision,double precision"},
    {R"~(select date_trunc('hour', timestamptz '2026-01-05 10:31:30.5+00'), date_trunc('week', timestamp '2026-01-07 10:00'), date_trunc('quarter', timestamp '2026-05-07 10:00'), date_trunc('month', date '2026-05-07'))~",
     R"~(2026-01-05 10:00:00+00|2026-01-05 00:00:00|2026-04-01 00:00:00|2026-05-01 00:00:00+00)~",
     "timestamp with time zone,timestamp without time zone,timestamp without time zone,timestamp with time "
     "zone"},
    {R"~(select date_trunc('day', timestamptz '2026-01-05 03:31:30.5+00', 'America/New_York'))~",
     R"~(2026-01-04 05:00:00+00)~", "timestamp with time zone"},
    {R"~(select date_trunc('minute', interval '1 day 02:03:04.5'))~", R"~(1 day 02:03:00)~", "interval"},
    {R"~(select date_trunc('bogus', timestamp '2026-01-07 10:00'))~",
     R"~(ERROR 22023 unit "bogus" not recognized for type timestamp without time zone)~", ""},
    {R"~(select timezone('America/New_York', timestamptz '2026-01-05 10:00+00'), timezone('Europe/Berlin', timestamp '2026-07-05 10:00'))~",
     R"~(2026-01-05 05:00:00|2026-07-05 08:00:00+00)~",
     "timestamp without time zone,timestamp with time zone"},
    {R"~(select age(timestamp '2026-03-15 10:00', timestamp '2025-12-20 12:30'), age(timestamp '2025-12-20', timestamp '2026-03-15'))~",
     R"~(2 mons 25 days 21:30:00|-2 mons -26 days)~", "interval,interval"},
    {R"~(select make_date(2026, 1, 5), make_timestamp(2026,1,5,10,30,15.5), make_time(10,30,0))~",
     R"~(2026-01-05|2026-01-05 10:30:15.5|10:30:00)~",
     "date,timestamp without time zone,time without time zone"},
    {R"~(select to_timestamp(1767623400.5))~", R"~(2026-01-05 14:30:00.5+00)~", "timestamp with time zone"},
    {R"~(select justify_interval(interval '35 days 30 hours'), justify_days(interval '35 days'), justify_hours(interval '30 hours'))~",
     R"~(1 mon 6 days 06:00:00|1 mon 5 days|1 day 06:00:00)~", "interval,interval,interval"},
    {R"~(select date_bin(interval '15 minutes', timestamp '2026-01-05 10:31', timestamp '2001-01-01'))~",
     R"~(2026-01-05 10:30:00)~", "timestamp without time zone"},
    {R"~(select jsonb_get('{"a":{"b":[1,2,"x"]}}'::jsonb, 'a'))~", R"~({"b": [1, 2, "x"]})~", "jsonb"},
    {R"~(select jsonb_extract_path('{"a":{"b":[1,2,"x"]}}'::jsonb, ['a','b','2']), jsonb_extract_path_text('{"a":{"b":[1,2,"x"]}}'::jsonb, ['a','b','-1']))~",
     R"~("x"|x)~", "jsonb,text"},
    {R"~(select jsonb_get('[1,2,3]'::jsonb, 1), jsonb_get_text('[1,2,3]'::jsonb, -1), jsonb_get_text('{"a":null}'::jsonb, 'a'), jsonb_get_text('{"a":"q\"z"}'::jsonb, 'a'))~",
     R"~(2|3||q"z)~", "jsonb,text,text,text"},
    {R"~(select pg_contains('{"a":1,"b":2}'::jsonb, '{"a":1}'::jsonb), pg_contains('[1,2]'::jsonb,'1'::jsonb), pg_contained('{"a":1}'::jsonb, '{"a":1,"b":2}'::jsonb), jsonb_exists('{"a":1}'::jsonb, 'a'))~",
     R"~(t|t|t|t)~", "boolean,boolean,boolean,boolean"},
    {R"~(select pg_contains([1,2,3],[2]), pg_overlap([1,2],[2,5]))~", R"~(t|t)~", "boolean,boolean"},
    {R"~(select jsonb_build_array(1, 'a', null), json_build_array(1, 'a'))~", R"~([1, "a", null]|[1, "a"])~",
     "jsonb,json"},
    {R"~(select to_jsonb(timestamptz '2026-01-05 10:00+00'), to_json(date '2026-01-05'), to_jsonb('x'::varchar))~",
     R"~("2026-01-05T10:00:00+00:00"|"2026-01-05"|"x")~", "jsonb,json,jsonb"},
    {R"~(select jsonb_agg(x), json_agg(x) from (values (1),(null),(3)) t(x))~",
     R"~([1, null, 3]|[1, null, 3])~", "jsonb,json"},
    {R"~(select jsonb_agg(x order by x desc) from (values (1),(2),(3)) t(x))~", R"~([3, 2, 1])~", "jsonb"},
    {R"~(select jsonb_object_agg(k, v) from (values ('a',1),('b',2)) t(k,v))~", R"~({"a": 1, "b": 2})~",
     "jsonb"},
    {R"~(select row_to_json(t) from (values (1,'a')) t(x,y))~", R"~({"x":1,"y":"a"})~", "json"},
    {R"~(select jsonb_typeof('1'::jsonb), jsonb_typeof('{}'::jsonb), jsonb_array_length('[1,2]'::jsonb))~",
     R"~(number|object|2)~", "text,text,integer"},
    {R"~(select jsonb_set('{"a":1}'::jsonb, ['b'], '2'::jsonb), jsonb_delete('{"a":1,"b":2}'::jsonb, 'a'), jsonb_concat('{"a":1}'::jsonb, '{"b":2}'::jsonb))~",
     R"~({"a": 1, "b": 2}|{"b": 2}|{"a": 1, "b": 2})~", "jsonb,jsonb,jsonb"},
    {R"~(select jsonb_strip_nulls('{"a":null,"b":[1,null]}'::jsonb))~", R"~({"b": [1, null]})~", "jsonb"},
    {R"~(select jsonb_pretty('{"a":1}'::jsonb))~", R"~({\n    "a": 1\n})~", "text"},
    {R"~(select pg_cast_numeric(jsonb_get('{"a":1.5}'::jsonb,'a')))~", R"~(1.5)~", "numeric"},
    {R"~(select jsonb_get('{"a":5}'::jsonb,'a')::int, jsonb_get('{"a":true}'::jsonb,'a')::boolean)~",
     R"~(5|t)~", "integer,boolean"},
    {R"~(select jsonb_get('{"a":"x"}'::jsonb,'a')::int)~",
     R"~(ERROR 22023 cannot cast jsonb string to type integer)~", ""},
    {R"~(select initcap('hello wORLD-foo'), quote_ident('Foo bar'), quote_ident('select'), quote_literal('it''s'), quote_nullable(null))~",
     R"~(Hello World-Foo|"Foo bar"|"select"|'it''s'|NULL)~", "text,text,text,text,text"},
    {R"~(select pg_format('Hello %s, %I %L %%', 'x', 'Tab le', 'it''s'), pg_format('%2$s %1$s|%-5s|%5s|', 'a', 'b', 'c'))~",
     R"~(Hello x, "Tab le" 'it''s' %|b a|b    |    c|)~", "text,text"},
    {R"~(select substring('hello', 2, 3), substring('hello', -1, 3), substring('hello', 0), left('hello', -2), right('hello', -2), left('hello', 2))~",
     R"~(ell|h|hello|hel|llo|he)~", "text,text,text,text,text,text"},
    {R"~(select split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), lpad('x', 3, 'ab'), rpad('x', 3, ' '), repeat('ab', 2), strpos('hello', 'l')::int, md5('a'))~",
     R"~(b|c|abx|x  |abab|3|0cc175b9c0f1b6a831c399e269772661)~", "text,text,text,text,text,integer,text"},
    {R"~(select string_to_array('a,b,,c', ','), string_to_array('abc', null), string_to_array('a,b,,c', ',', ''))~",
     R"~({a,b,"",c}|{a,b,c}|{a,b,NULL,c})~", "text[],text[],text[]"},
    {R"~(select pg_array_to_string(array[1,null,3]::varchar[], ',', 'x'))~", R"~(1,x,3)~", "text"},
    {R"~(select pg_size_pretty(123456::bigint), pg_size_pretty(1234567890::bigint), pg_size_pretty(10::bigint), pg_size_pretty(10240::bigint))~",
     R"~(121 kB|1177 MB|10 bytes|10 kB)~", "text,text,text,text"},
    {R"~(select pg_regex_match('abc','b'), pg_regex_match_ci('abc','B'), pg_regex_match('abc','^b'))~",
     R"~(t|t|f)~", "boolean,boolean,boolean"},
    {R"~(select regexp_replace('foobar', 'o', 'x'), regexp_replace('foobar', 'o', 'x', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g'))~",
     R"~(fxobar|fxxbar|fooXarYXazY)~", "text,text,text"},
    {R"~(select string_agg(x, ',' order by x) from (values ('b'),('a')) t(x))~", R"~(a,b)~", "text"},
    {R"~(select array_agg(x order by x) from (values (3),(1)) t(x))~", R"~({1,3})~", "integer[]"},
    {R"~(select greatest(1, null, 3), least(2.5, 1), coalesce(null, 5), nullif(1,1))~", R"~(3|1|5|)~",
     "integer,numeric,integer,integer"},
    {R"~(select bool_and(x > 0), bool_or(x > 2), every(x > 0) from (values (1),(3)) t(x))~", R"~(t|t|t)~",
     "boolean,boolean,boolean"},
    {R"~(select count(*), count(distinct x) from (values (1),(1),(2)) t(x))~", R"~(3|2)~", "bigint,bigint"},
    {R"~(select num_nulls(1, null, 2), num_nonnulls(1, null, 2))~", R"~(1|2)~", "integer,integer"},
    {R"~(select 1 = 1.0, 'a' < 'b', 1 in (1,2), 2 between 1 and 3)~", R"~(t|t|t|t)~",
     "boolean,boolean,boolean,boolean"},
    {R"~(select case when 1 > 2 then 1 else 2.5 end)~", R"~(2.5)~", "numeric"},
    {R"~(select sum(x*y) / sum(y) from (values (1.5, 10), (2.5, 30)) t(x,y))~", R"~(2.25)~", "numeric"},
    {R"~(select x::double/(x+y)*100 from (values (75,25)) t(x,y))~", R"~(75)~", "double precision"},
};

std::string text_of(Connection& connection, const std::string& query, std::string& types) {
  try {
    const auto stream = connection.query(query);
    for (const auto& column : stream->columns()) {
      if (!types.empty()) types += ',';
      types += to_sql(column.type);
    }
    std::string text;
    bool first = true;
    for (const auto& row : rows_of(*stream)) {
      if (!first) text += " // ";
      first = false;
      for (const char c : row) text += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return text;
  } catch (const Error& error) {
    types.clear();
    return "ERROR " + std::string(sqlstate(error.code())) + " " + error.message();
  }
}

TEST(SemanticsTest, AnswersAsPostgreSql) {
  InstanceOptions options;
  options.functions.push_back({"now", {}, SqlType::of(TypeId::TimestampTz), false});
  const auto instance = Instance::open(options);
  FakeStore store;
  FakeSession session(store);
  const auto connection = instance->connect(session, session);
  for (const Case& one : kCases) {
    std::string types;
    EXPECT_EQ(text_of(*connection, one.query, types), one.rows) << one.query;
    EXPECT_EQ(types, one.types) << one.query;
  }
}

}  // namespace
}  // namespace tickstone::duck::test
