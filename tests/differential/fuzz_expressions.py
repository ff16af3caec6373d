# SPDX-License-Identifier: Apache-2.0
"""Random expressions that know their types: what makes a value of a kind, of values of which kinds.

A part in braces is an expression of that kind; one in angle brackets is a constant of it. Rules keep off what depends on
the order of evaluation or on zeros at the end of NUMERIC, and divide by nothing that can be 0.
"""
import re

from fuzz_tables import literal

UNITS = ("minute", "hour", "day", "week", "month", "quarter", "year")
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")
COMPARED = ("int", "big", "num", "text", "stamp", "date", "local", "bool", "span", "texts", "float", "json")

RULES = {
    "int": ["({int} % 1000 + {int} % 1000)", "({int} % 100 * 3)", "({int} / 7)", "({int} % 5)", "-({int} % 9000)", "abs({int} % 9000)", "length({text})",
            "coalesce({int}, {int})", "CASE WHEN {bool} THEN {int} ELSE {int} END", "extract(@field FROM {stamp})::int",
            "extract(day FROM {date})::int", "strpos({text}, {text})", "cardinality({texts})", "sign({num})::int", "({bool})::int",
            "({date} - {date})", "array_length({texts}, 1)", "greatest({int}, {int})", "least({int}, {int})", "nullif({int}, {int})",
            "octet_length({text})", "ascii({text})", "(({int} % 256) & 255)", "(({int} % 64) # 21)", "extract(isodow FROM {local})::int",
            "array_position({texts}, {text})", "round({num} % 1000)::int", "jsonb_array_length(jsonb_build_array({int}, {text}))",
            "regexp_count({text}, '[A-Z]')", "width_bucket({num} % 1000, 0, 500, 10)", "mod({int}, 7)", "div({num} % 1000, 3)::int",
            "(SELECT count(*)::int FROM unnest({texts}) u WHERE u <> {text})", "num_nulls({text}, {int}, {bool})"],
    "big": ["({big} % 100000 + {int})", "({big} / 1000)", "({big} % 77)", "coalesce({big}, {int})", "({int})::bigint", "abs({big})",
            "CASE WHEN {bool} THEN {big} ELSE {int} END", "greatest({big}, {int})", "extract(epoch FROM {stamp})::bigint", "(1::bigint << ({int} & 31))"],
    "num": ["({num} + {num})", "({num} - {int})", "({num} * {num})", "({num} * {int})", "round({num}, 2)", "round({num} / 7, 6)", "trunc({num}, 1)", "abs({num})", "-({num})",
            "coalesce({num}, {num})", "greatest({num}, {int})", "least({num}, {num})", "ceil({num})", "floor({num})", "({num} % 9)", "CASE WHEN {bool} THEN {num} ELSE {num} END",
            "CASE {text} WHEN <text> THEN {num} END", "nullif({num}, 0)", "round({num} / nullif(abs({num}), 0), 4)", "({int})::numeric", "({big})::numeric", "round(sqrt(abs({num})), 8)",
            "extract(epoch FROM {date})", "extract(@field FROM {stamp})", "({json} ->> 'a')::numeric_if", "sign({num})", "power(round({num} % 10), 2)"],
    "float": ["({num})::float8", "({float} + {float})", "({float} * 0.5)", "({int})::float8", "sqrt(abs({float}))", "coalesce({float}, {float})", "-({float})",
              "({float} / nullif({float}, 0))", "abs({float})", "CASE WHEN {bool} THEN {float} ELSE {float} END", "date_part('hour', {stamp})", "floor({float})",
              "ln(abs({float}) + 1)", "greatest({float}, {float})"],
    "text": ["({text} || {text})", "upper({text})", "lower({text})", "left({text}, {int} % 5)", "right({text}, 3)", "substr({text}, 2, 3)", "substring({text} FROM 2)",
             "coalesce({text}, {text})", "replace({text}, 'A', '_')", "CASE WHEN {bool} THEN {text} ELSE {text} END", "split_part({text}, 'A', 1)", "({int})::text", "({bool})::text",
             "({date})::text", "({stamp})::text", "({json} ->> 'b')", "({json} -> 'k' ->> 0)", "lpad({text}, 8, '*')", "reverse({text})", "md5({text})", "trim({text})",
             "to_char({stamp}, 'YYYY-MM-DD HH24:MI Dy')", "to_char({int}, 'FM99990')", "to_char({date}, 'FMMonth DD, IYYY-IW')", "concat_ws('-', {text}, {int}, {text})", "concat({text}, {bool})",
             "array_to_string({texts}, ',', '?')", "({texts})[1]", "({texts})[{int} % 4]", "regexp_replace({text}, '[a-z]+', '<\\&>', 'g')", "translate({text}, 'aAxX', '12')", "initcap({text})",
             "nullif({text}, {text})", "greatest({text}, {text})", "jsonb_typeof({json})", "({json})::text", "quote_literal({text})", "format('%s|%L', {text}, {int})", "repeat({text}, {int} % 3)",
             "btrim({text}, 'A ')", "substring({text} FROM '[0-9]+')", "to_char({num} % 10000, 'FM999990.00')", "(SELECT min(u) FROM unnest({texts}) u)", "chr(65 + abs({int} % 26))", "overlay({text} PLACING 'zz' FROM 2 FOR 1)"],
    "bool": ["({num} < {num})", "({num} >= {int})", "({int} = {int})", "({big} <> {int})", "({text} = {text})", "({text} < {text})", "({stamp} > {stamp})", "({date} <= {date})",
             "({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})", "({?} IS NULL)", "({?} IS NOT NULL)", "({text} LIKE '%A%')", "({text} ILIKE 'a_%')", "({text} NOT LIKE {text_pattern})",
             "({text} ~ '^[A-Z]+$')", "({text} IN (<text>, <text>, {text}))", "({int} IN (1, 4, {int}))", "({int} NOT IN (0, 11))", "({num} BETWEEN {num} AND {num})", "({stamp} BETWEEN <stamp> AND <stamp>)",
             "({text} = ANY({texts}))", "({text} <> ALL({texts}))", "({texts} @> {texts})", "({texts} && {texts})", "({json} ? 'a')", "({json} @> '{\"a\": 1}')", "({json} = {json})",
             "({text} IS DISTINCT FROM {text})", "({int} IS NOT DISTINCT FROM {int})", "({bool} IS TRUE)", "({bool} IS NOT FALSE)", "({stamp} >= {date})", "({local} < {date})", "({span} > {span})",
             "coalesce({bool}, {bool})", "starts_with({text}, 'A')", "({int} BETWEEN SYMMETRIC {int} AND {int})", "(({text}, {int}) = ({text}, {int}))", "(({int}, {text}) < ({int}, {text}))",
             "({num} > {float})", "({json} @> {json})", "({texts} = {texts})", "({text} SIMILAR TO '(A|M)%')", "({num} > ALL (ARRAY[{num}, {num}]))", "({num} = {int})"],
    "date": ["({date} + {int} % 400)", "({date} - {int} % 40)", "({stamp})::date", "coalesce({date}, {date})", "least({date}, {date})", "date_trunc('month', {date})::date", "({local})::date",
             "CASE WHEN {bool} THEN {date} ELSE {date} END", "make_date(2025, 1 + abs({int} % 12), 1 + abs({int} % 28))", "greatest({date}, {date})"],
    "stamp": ["({stamp} + <span>)", "({stamp} - {span_small})", "date_trunc('@unit', {stamp})", "date_bin('15 minutes', {stamp}, timestamptz '2025-01-01 00:00+00')", "coalesce({stamp}, {stamp})",
              "greatest({stamp}, {stamp})", "({date})::timestamptz", "({local} AT TIME ZONE '@zone')", "date_trunc('@unit', {stamp}, '@zone')", "CASE WHEN {bool} THEN {stamp} ELSE {stamp} END",
              "to_timestamp(extract(epoch FROM {stamp})::bigint)", "({date} + time '09:30')::timestamptz"],
    "local": ["({stamp} AT TIME ZONE '@zone')", "({date})::timestamp", "({local} + <span>)", "date_trunc('@unit', {local})", "coalesce({local}, {local})", "({date} + time '16:00:00.5')", "({date} + {span_small})",
              "date_bin('1 hour', {local}, timestamp '2025-01-01')"],
    "span": ["({stamp} - {stamp})", "({local} - {local})", "<span>", "({span} + <span>)", "({span} * 2)", "-({span})", "coalesce({span}, {span})", "age({stamp}, {stamp})", "justify_hours({span})", "make_interval(mins => {int} % 5000)"],
    "json": ["({json} -> 'k')", "({json} -> 'k' -> 1)", "jsonb_build_object('n', {int}, 't', {text})", "to_jsonb(({text})::text)", "to_jsonb({int})", "coalesce({json}, {json})", "jsonb_build_array({int}, {text}, {bool})",
             "({json} #> '{k,deep}')", "to_jsonb({texts})", "CASE WHEN {bool} THEN {json} ELSE {json} END", "('{\"a\": 1}'::jsonb || jsonb_build_object('q', {text}))", "(jsonb_build_object('n', {int}, 'x', 1) - 'x')",
             "jsonb_set('{\"a\": {\"b\": 1}}', '{a,b}', to_jsonb(({text})::text))", "jsonb_strip_nulls({json})", "jsonb_build_object('s', {stamp}, 'd', {date})"],
    "texts": ["array_append({texts}, {text})", "ARRAY[{text}, {text}]", "string_to_array({text}, ' ')", "array_remove({texts}, {text})", "({texts} || ({text})::text)", "coalesce({texts}, {texts})", "({texts})[1:2]",
              "array_cat({texts}, {texts})", "array_replace({texts}, {text}, 'r')", "regexp_split_to_array({text}, 'A')", "ARRAY(SELECT u FROM unnest({texts}) u ORDER BY u DESC)"],
}
FIELDS = ("year", "month", "day", "hour", "minute", "doy", "dow", "week", "quarter", "isoyear")


def choose(rng, scope, kind):
    """A column of the kind where there is one, or a constant."""
    fitting = [ref for ref, its in scope if its == kind]
    if fitting and rng.random() < 0.85:
        return rng.choice(fitting)
    if kind == "local" and rng.random() < 0.5:
        stamps = [ref for ref, its in scope if its == "stamp"]
        if stamps:
            return f"({rng.choice(stamps)} AT TIME ZONE '{rng.choice(ZONES)}')"
    if kind == "text" and rng.random() < 0.5:
        return f"{literal(rng, kind)}::text"
    if rng.random() < 0.03:
        return {"text": "NULL::text", "int": "NULL::int"}.get(kind, literal(rng, kind))
    return literal(rng, kind)


def expression(rng, scope, kind, depth):
    if depth <= 0 or rng.random() < (0.45 if any(its == kind for _, its in scope) else 0.1):
        return choose(rng, scope, kind)

    def part(match):
        name = match.group(2)
        if match.group(1) == "<":
            return literal(rng, name)
        if name == "?":
            name = rng.choice(COMPARED)
        if name == "text_pattern":
            return rng.choice(("'A%'", "'%_x'", "''", "'%'"))
        if name == "span_small":
            return rng.choice(("interval '1 day'", "interval '90 minutes'", "interval '1 mon'"))
        return expression(rng, scope, name, depth - 1)

    text = re.sub(r"([{<])(\?|[a-z_]+)[}>]", part, rng.choice(RULES[kind]))
    text = text.replace("::numeric_if", " = '7'")
    if kind == "num" and text.endswith(" = '7'"):
        text = f"CASE WHEN {text} THEN 7 ELSE 1.5 END"
    for name, choices in (("@field", FIELDS), ("@unit", UNITS), ("@zone", ZONES)):
        while name in text:
            text = text.replace(name, rng.choice(choices), 1)
    return text


AGGREGATES = {  # by the kind of what they give; corr of whole numbers, for of fractions it is rounding that tells equal ones apart
    "big": ["count(*)", "count({?})", "count(DISTINCT {text})", "count(DISTINCT {int})", "sum({int})", "count(*) FILTER (WHERE {bool})", "sum({int}) FILTER (WHERE {bool})", "regr_count({float}, {float})"],
    "num": ["sum({num})", "max({num})", "min({num})", "avg({int})", "sum({big})", "avg({num})", "sum(DISTINCT {num})", "sum({num}) FILTER (WHERE {bool})", "percentile_disc(0.5) WITHIN GROUP (ORDER BY {num})"],
    "int": ["max({int})", "min({int})", "max({int}) FILTER (WHERE {bool})", "bit_or({int})", "bit_and({int})", "(array_agg({int} ORDER BY {int}))[1]", "percentile_disc(0.25) WITHIN GROUP (ORDER BY {int})", "mode() WITHIN GROUP (ORDER BY {int})"],
    "float": ["sum({float})", "avg({float})", "max({float})", "stddev_samp({float})", "corr({int} % 9000, {int} % 9000)", "percentile_cont(0.5) WITHIN GROUP (ORDER BY {float})", "var_pop({float})"],
    "text": ["max(({text})::text)", "min(({text})::text)", "string_agg(({text})::text, ',' ORDER BY ({text})::text)", "string_agg(DISTINCT ({text})::text, '|' ORDER BY ({text})::text)_same", "max(({text})::text) FILTER (WHERE {bool})", "mode() WITHIN GROUP (ORDER BY ({text})::text)"],
    "bool": ["bool_and({bool})", "bool_or({bool})", "(count({text}) > 2)", "every({bool})"],
    "date": ["max({date})", "min({date})"],
    "stamp": ["max({stamp})", "min({stamp})", "percentile_disc(0.75) WITHIN GROUP (ORDER BY {stamp})"],
    "span": ["max({span})", "(max({stamp}) - min({stamp}))"],
    "json": ["jsonb_agg({int} ORDER BY {int})", "jsonb_agg(({text})::text ORDER BY ({text})::text DESC)", "to_jsonb(max(({text})::text))"],
    "texts": ["array_agg(({text})::text ORDER BY ({text})::text)", "max({texts})", "array_agg(({text})::text ORDER BY ({text})::text DESC NULLS LAST) FILTER (WHERE {bool})"],
}


def aggregate(rng, scope, kind, depth):
    def part(match):
        name = rng.choice(COMPARED) if match.group(2) == "?" else match.group(2)
        return expression(rng, scope, name, depth)

    text = rng.choice(AGGREGATES[kind])
    if text.endswith("_same"):  # what is distinct is what is ordered by
        of = expression(rng, scope, "text", depth)
        return text[:-5].replace("{text}", of)
    if text.startswith(("(array_agg(", "array_agg(", "string_agg(", "jsonb_agg(")):
        kinds = re.findall(r"\{(\w+)\}", text)
        of = expression(rng, scope, kinds[0], depth)
        text = text.replace("{" + kinds[0] + "}", of, 2)
    return re.sub(r"([{])(\?|[a-z]+)[}]", part, text)
