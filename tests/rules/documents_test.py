#!/usr/bin/python3
"""The documents agree with the tree and with the program.

    documents_test.py SOURCE_DIRECTORY BUILD_DIRECTORY PROGRAM

Checks README.md, docs/*.md and bench/*.md: relative links and their anchors, line lengths, named files and tests, the
table of rooms against CMakeLists.txt, the table of keys against `check`, and the drop reasons against
include/sixin4/engine/verdict.hpp.
"""

import fnmatch
import itertools
import pathlib
import re
import subprocess
import sys

LONGEST_LINE = 100
LONGEST_README = 220
FOLDERS = ("src", "include", "tools", "tests", "bench", "docs")
FILE_ENDINGS = (".hpp", ".cpp", ".c", ".sh", ".py", ".md", ".json", ".conf", ".txt", ".svg", ".dict", ".o")

failures = []


def fail(where, text):
    failures.append(f"{where}: {text}")


class Document:
    """A Markdown file, its lines sorted into prose, tables and code."""

    def __init__(self, root, path):
        self.path = path
        self.name = str(path.relative_to(root))
        self.lines = []  # (number, kind, text)
        fenced = False
        list_indent = 0
        for number, text in enumerate(path.read_text().splitlines(), 1):
            indent = len(text) - len(text.lstrip())
            if text.startswith("```"):
                fenced = not fenced
                kind = "fence"
            elif fenced or (indent >= list_indent + 4 and self.follows_code_or_blank()):
                kind = "code"
            elif text.lstrip().startswith("|"):
                kind = "table"
            else:
                kind = "prose" if text.strip() else "blank"
            if kind == "prose":
                mark = re.match(r" *(?:[-*]|\d+\.) +", text)
                list_indent = len(mark.group()) if mark else min(list_indent, indent)
            self.lines.append((number, kind, text))

    def follows_code_or_blank(self):
        return bool(self.lines) and self.lines[-1][1] in ("code", "blank")

    def of_kind(self, *kinds):
        return [(number, text) for number, kind, text in self.lines if kind in kinds]

    def prose(self):
        """All text but code, as one string."""
        return "\n".join(text for _, text in self.of_kind("prose", "table", "blank"))

    def spans(self):
        """Inline code."""
        return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", self.prose())]

    def links(self):
        without_code = re.sub(r"`[^`]*`", "", self.prose())
        return re.findall(r"\]\(([^)\s]+)\)", without_code)

    def anchors(self):
        """As GitHub names them."""
        seen = {}
        for _, text in self.of_kind("prose"):
            heading = re.match(r"#+ (.*)", text)
            if not heading:
                continue
            title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower()
            anchor = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
            count = seen.get(anchor, 0)
            seen[anchor] = count + 1
            yield anchor if count == 0 else f"{anchor}-{count}"

    def section(self, heading):
        """The lines from a heading to the next one."""
        is_heading = [kind == "prose" and text.startswith("#") for _, kind, text in self.lines]
        titled = (i for i, line in enumerate(self.lines) if is_heading[i] and line[2].lstrip("#") == f" {heading}")
        start = next(titled, None)
        if start is None:
            fail(self.name, f"no heading: {heading}")
            return []
        end = next((i for i in range(start + 1, len(self.lines)) if is_heading[i]), len(self.lines))
        return self.lines[start:end]

    def rows(self, heading):
        """The cells of the first table of a section, without its head."""
        lines = self.section(heading)
        tables = itertools.groupby(lines, lambda line: line[1])
        first = next((list(group) for kind, group in tables if kind == "table"), [])
        return [[cell.strip() for cell in text.strip().split("|")[1:-1]] for _, _, text in first[2:]]


def check_links(document, root, documents):
    for link in document.links():
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (document.path.parent / target).resolve() if target else document.path
        if not path.exists():
            fail(document.name, f"dead link: {link}")
        elif anchor:
            known = next((other for other in documents if other.path == path), None)
            if known is None or anchor not in known.anchors():
                fail(document.name, f"no such heading: {link}")


def check_lengths(document):
    """Output of commands cannot be broken, nor can a line that is one link or one word. The README has no such line."""
    is_readme = document.name == "README.md"
    for number, text in document.of_kind(*(("prose", "table", "code") if is_readme else ("prose",))):
        one_word = re.sub(r"!?\[[^]]*\]\([^)]*\)|`[^`]*`", "x", text)
        breakable = " " in re.sub(r"^ *(?:[-*] +|\d+\. +)?", "", one_word).strip()
        if len(text) > LONGEST_LINE and (breakable or is_readme):
            fail(f"{document.name}:{number}", f"a line of {len(text)} characters")
    if is_readme and len(document.lines) > LONGEST_README:
        fail(document.name, f"{len(document.lines)} lines, more than {LONGEST_README}")


def check_named_files(document, root):
    words = [word for _, text in document.of_kind("code") for word in text.split()]
    words += [word for span in document.spans() for word in span.split()]
    for word in words:
        folder, _, rest = word.partition("/")
        # Capitals stand for any name.
        if folder not in FOLDERS or not rest or re.search(r"(^|/)[A-Z]+(/|$)", word):
            continue
        word = word.rstrip(".,;:)")
        if not list(root.glob(word.rstrip("/"))):
            fail(document.name, f"no such file: {word}")


def check_named_tests(document, root, tests):
    """Names of ctest(1), `*` for any."""
    rooms = {test.partition(".")[0] for test in tests} | {path.name for path in root.glob("src/*")}
    for span in document.spans():
        if re.fullmatch(r"[a-z_]+\.[\w./*]+", span) and not span.endswith(FILE_ENDINGS):
            if span.partition(".")[0] in rooms and not fnmatch.filter(tests, span):
                fail(document.name, f"no such test: {span}")


def check_keys(document, program):
    def ask(*words):
        return subprocess.run([program, "check", *words], capture_output=True, text=True, check=True).stdout

    keys = set(re.findall(r"^  --([a-z-]+)", ask("--help"), re.MULTILINE))
    defaults = dict(line.split(" = ", 1) for line in ask("--remote", "192.0.2.2").splitlines())
    del defaults["remote"]
    documented = {}
    for key, default, _ in document.rows("All keys"):
        value = re.match(r"`([^`]*)`", default)
        documented[key.split("`")[1]] = value.group(1) if value else None
    for key in sorted(keys - documented.keys()):
        fail(document.name, f"the key {key} is missing")
    for key in sorted(documented.keys() - keys):
        fail(document.name, f"no such key: {key}")
    for key in sorted(documented.keys() & keys):
        if documented[key] != defaults.get(key):
            fail(document.name, f"the default of {key} is {defaults.get(key)}, not {documented[key]}")


def check_drop_reasons(document, root):
    header = (root / "include/sixin4/engine/verdict.hpp").read_text()
    reasons = set(re.findall(r'"([a-z0-9-]+)"', header)) - {"pass"}
    documented = {row[0].strip("`") for row in document.rows("Drop reasons")}
    for reason in sorted(reasons - documented):
        fail(document.name, f"the drop reason {reason} is missing")
    for reason in sorted(documented - reasons):
        fail(document.name, f"no such drop reason: {reason}")
    drawing = [text for _, kind, text in document.section("The way of a packet") if kind == "code"]
    drawn = {word for text in drawing for word in text.split()}
    for reason in sorted(reasons - drawn):
        fail(document.name, f"the drop reason {reason} is missing in the drawing")


def check_rooms(document, root):
    table = re.search(r"set\(SIXIN4_ROOMS\n(.*?)\)", (root / "CMakeLists.txt").read_text(), re.DOTALL).group(1)
    rooms = {row.split()[0]: set(row.split()[1:]) for row in re.findall(r'"([^"]*)"', table)}
    documented = {}
    for name, _, others in document.rows("Rooms"):
        but = re.match(r"all above but (.*)", others)
        names = set(re.findall(r"[a-z]+", but.group(1) if but else others))
        documented[name.strip("`")] = documented.keys() - names if but else names
    del documented["tools"]
    for room in sorted(rooms.keys() | documented.keys()):
        if rooms.get(room) != documented.get(room):
            fail(document.name, f"the room {room} includes {documented.get(room)}, CMakeLists.txt has {rooms.get(room)}")


def tests_of(build):
    listed = subprocess.run(["ctest", "--test-dir", build, "-N"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ *Test *#\d+: (\S+)", listed, re.MULTILINE)


def main():
    root, build, program = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3]
    paths = [root / "README.md", *sorted(root.glob("docs/*.md")), *sorted(root.glob("bench/*.md"))]
    documents = [Document(root, path) for path in paths]
    by_name = {document.name: document for document in documents}
    tests = tests_of(build)
    for document in documents:
        check_links(document, root, documents)
        check_named_files(document, root)
        if not document.name.startswith("bench/"):
            check_lengths(document)
        if document.name != "docs/compliance.md":  # rules.compliance
            check_named_tests(document, root, tests)
    check_rooms(by_name["README.md"], root)
    check_keys(by_name["docs/configuration.md"], program)
    check_drop_reasons(by_name["docs/troubleshooting.md"], root)
    for failure in failures:
        print(failure)
    print(f"{len(documents)} documents, {len(failures)} failures")
    sys.exit(bool(failures))


main()
