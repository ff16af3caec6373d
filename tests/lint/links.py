# SPDX-License-Identifier: Apache-2.0
"""Links between the pages of the repository lead somewhere, headings included."""
import os
import re
import urllib.parse

LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]\n]+\]:\s+(\S+)", re.MULTILINE)


def prose(text):
    """The page without its code, which may hold what only looks like a link; lines stay in place."""
    text = re.sub(r"^(```|~~~).*?^\1", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    found = set()
    fenceless = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*\s*$", fenceless, re.M):
        slug = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).replace(" ", "-")
        name, number = slug, 0
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    found.update(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    return found


def check(tree):
    known = set(tree.paths)
    folders = {os.path.dirname(path) for path in tree.paths}
    folders |= {parent for folder in list(folders) for parent in parents(folder)}
    for path in tree.select(".md"):
        text = prose(tree.text(path))
        for match in list(LINK.finditer(text)) + list(REFERENCE.finditer(text)):
            target = match.group(1)
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            line = text.count("\n", 0, match.start()) + 1
            file, _, anchor = urllib.parse.unquote(target).partition("#")
            place = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            if place not in known and place not in folders:
                yield f"{path}:{line}: {target} leads nowhere"
            elif anchor and place.endswith(".md") and anchor not in anchors(tree.text(place)):
                yield f"{path}:{line}: {target}: no such heading"


def parents(folder):
    while folder:
        folder = os.path.dirname(folder)
        yield folder or "."
