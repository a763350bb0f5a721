"""Helpers of the scripts in this folder: checks that print one line each, and the output of tcpdump and tshark."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

failures = 0


def check(name, expected, seen):
    global failures
    if expected == seen:
        print(f"ok: {name}")
    else:
        failures += 1
        print(f"not ok: {name}\n  expected: {expected}\n  saw:      {seen}")


def skip(reason):
    print(f"{pathlib.Path(sys.argv[0]).name}: {reason}", file=sys.stderr)
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")


def finish():
    sys.exit(failures > 0)


def run(*command, stdin=None):
    """Return the lines of standard output, standard error and the exit status."""
    done = subprocess.run([str(word) for word in command], stdin=stdin, capture_output=True, text=True,
                          env={**os.environ, "TZ": "UTC"})
    return done.stdout.splitlines(), done.stderr, done.returncode


def tcpdump(file, *arguments):
    lines, error, status = run("tcpdump", "-n", "-S", "-r", file, *arguments)
    assert status == 0, error
    return lines


def tshark(file, *fields, options=()):
    options = [*options] + [word for field in fields for word in ("-e", field)]
    lines, error, status = run("tshark", "-r", file, "-T", "fields", "-E", "occurrence=a", "-E", "separator=;", *options)
    assert status == 0, error
    return lines


def comparable(line):
    """Remove from a line of tcpdump what decode does not print: TCP options, checksums, HTTP and DNS."""
    line = re.sub(r", options \[[^]]*\]", "", line)
    line = re.sub(r": HTTP.*| \[\|domain\]|\[(udp )?sum[^]]*\]", "", line)
    # tcpdump prints the names of extension headers, and the ports after them.
    line = re.sub(r"IP6 (\S+) > (\S+): DSTOPT (?:\(.*?\) )?(\d+) > (\d+): ", r"IP6 \1.\3 > \2.\4: ", line)
    return re.sub(r"(\.53: ).*", r"\1", line).rstrip()  # tcpdump describes the payload


def without_ports(line):
    return re.sub(r"\.\d+( >|: )", r"\1", line)


def tshark_with_checksums(file):
    lines, error, status = run("tshark", "-r", file, "-o", "udp.check_checksum:TRUE", "-T", "fields", "-E", "separator=;",
                               "-e", "frame.len", "-e", "udp.checksum.status")
    assert status == 0, error
    return lines
