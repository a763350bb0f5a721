"""For the scripts of this folder: one line a check, and what tcpdump and tshark say of a capture."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

failures = 0


def check(what, expected, seen):
    global failures
    if expected == seen:
        print(f"ok: {what}")
    else:
        failures += 1
        print(f"not ok: {what}\n  expected: {expected}\n  saw:      {seen}")


def skip(why):
    print(f"{pathlib.Path(sys.argv[0]).name}: {why}", file=sys.stderr)
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")


def finish():
    sys.exit(failures > 0)


def run(*command, stdin=None):
    """Standard output's lines, standard error, exit status."""
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
    """What tcpdump has and decode has not: TCP options, checksums, flow labels, HTTP, names of ports' protocols."""
    line = re.sub(r", options \[[^]]*\]", "", line)
    line = re.sub(r": HTTP.*| \[\|domain\]|\[(udp )?sum[^]]*\]", "", line)
    # Behind extension headers it prints their names, and then the ports by themselves.
    line = re.sub(r"IP6 (\S+) > (\S+): DSTOPT (?:\(.*?\) )?(\d+) > (\d+): ", r"IP6 \1.\3 > \2.\4: ", line)
    return re.sub(r"(\.53: ).*", r"\1", line).rstrip()  # there it reads the payload


def without_ports(line):
    return re.sub(r"\.\d+( >|: )", r"\1", line)


def tshark_with_checksums(file):
    lines, error, status = run("tshark", "-r", file, "-o", "udp.check_checksum:TRUE", "-T", "fields", "-E", "separator=;",
                               "-e", "frame.len", "-e", "udp.checksum.status")
    assert status == 0, error
    return lines
