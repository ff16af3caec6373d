# SPDX-License-Identifier: Apache-2.0
"""Prometheus' text format, read strictly: what its own parser or linter would refuse is an error here."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Malformed(Exception):
    pass


def read_labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        if not found:
            raise Malformed(f"labels {text!r} at {at}")
        if found[1] in labels:
            raise Malformed(f"label {found[1]} twice in {text!r}")
        labels[found[1]] = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], found[2])
        at = found.end()
    return labels


def parse(text):
    """{family: (type, help, {(sample name, labels as sorted pairs): value})}"""
    if not text.endswith("\n"):
        raise Malformed("no line end at the end")
    families, family = {}, None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        where = f"line {number}: {line}"
        if line.startswith("# HELP "):
            _, _, name, help_text = line.split(" ", 3)
            if name in families:
                raise Malformed(f"a second time, {where}")
            family = name
            families[family] = [None, help_text, {}]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != family or kind not in SUFFIXES:
                raise Malformed(where)
            families[family][0] = kind
        else:
            found = SAMPLE.match(line)
            if not found:
                raise Malformed(where)
            kind, _, samples = families[family]
            if found[1] not in [family + suffix for suffix in SUFFIXES[kind]]:
                raise Malformed(f"not of {family}, {where}")
            key = (found[1], tuple(sorted(read_labels(found[2] or "").items())))
            if key in samples:
                raise Malformed(f"a second time, {where}")
            samples[key] = float(found[3].replace("Inf", "inf"))
    for name, (kind, help_text, samples) in families.items():
        check_family(name, kind, help_text, samples)
    return families


def check_family(name, kind, help_text, samples):
    if not samples or not help_text.strip():
        raise Malformed(f"{name} has no samples or no help")
    if (kind == "counter") != name.endswith("_total"):
        raise Malformed(f"{name}: a counter ends in _total, and nothing else does")
    if kind != "gauge" and any(value < 0 or math.isnan(value) for value in samples.values()):
        raise Malformed(f"{name} is below zero")
    if kind == "histogram":
        check_histogram(name, samples)


def check_histogram(name, samples):
    series = {}
    for (sample, labels), value in samples.items():
        rest = tuple(pair for pair in labels if pair[0] != "le")
        of = series.setdefault(rest, {"buckets": []})
        if sample.endswith("_bucket"):
            of["buckets"].append((float(dict(labels)["le"].replace("Inf", "inf")), value))
        else:
            of[sample.rsplit("_", 1)[1]] = value
    for of in series.values():
        bounds = [bound for bound, _ in of["buckets"]]
        counts = [count for _, count in of["buckets"]]
        if bounds != sorted(set(bounds)) or counts != sorted(counts) or bounds[-1] != math.inf:
            raise Malformed(f"{name}: buckets {of['buckets']}")
        if of["count"] != counts[-1] or (of["count"] == 0) != (of["sum"] == 0):
            raise Malformed(f"{name}: sum and count do not fit {of}")
