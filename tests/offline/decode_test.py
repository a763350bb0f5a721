#!/usr/bin/env python3
"""The verb decode with every capture of captures.py. tcpdump and tshark check the lines and the files that it
writes.

    decode_test.py PROGRAM
"""

import json
import os
import pathlib
import pty
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from judges import (check, comparable, finish, need, run, skip, tcpdump, tshark, tshark_with_checksums,  # noqa: E402
                    without_ports)

HERE = pathlib.Path(__file__).resolve().parent
PYTHON_WITH_SCAPY = "/usr/bin/python3"  # scapy is installed for the interpreter of Debian
ADDRESSES = "IP 192.0.2.1 > 198.51.100.1: "


class Tests:
    def __init__(self, program, captures):
        self.program, self.captures = program, captures

    def decode(self, *arguments, **options):
        return run(self.program, "decode", *arguments, **options)

    def lines(self, name, *arguments):
        lines, error, status = self.decode(self.captures / name, *arguments)
        assert status == 0, error
        return lines

    def link_types(self):
        """The same packets after every kind of link header give the same lines."""
        expected = self.lines("raw.pcap")
        check("raw: seven lines", 7, len(expected))
        names = ["ethernet", "ethernet-padded", "vlan", "qinq", "snap", "pppoe-ethernet", "pppoe", "sll", "sll-tagged",
                 "sll2", "sll-pppoe", "sll-snap", "sll2-pppoe", "sll2-snap", "raw-12", "raw-14", "ipv4", "ppp", "ppp-compressed", "ppp-address", "ppp-hdlc", "cisco-hdlc",
                 "null-little", "null-big", "loop", "big-endian", "options"]
        for name in names:
            check(f"{name}: as without a link header", expected, self.lines(f"{name}.pcap"))
        without_time = [line.split(" ", 1)[1] for line in expected]
        for name in ("microseconds.pcap", "file.pcapng"):
            check(f"{name}: as without a link header", without_time,
                  [line.split(" ", 1)[1] for line in self.lines(name)])
        check("file.pcapng: its own times", "22:13:26.006000", self.lines("file.pcapng")[6].split()[0])
        with open(self.captures / "raw.pcap", "rb") as file:
            lines, _, status = self.decode("-", stdin=file)
        check("standard input", (expected, 0), (lines, status))

    def lines_as_tcpdump(self):
        """Each line is that of tcpdump, except where tcpdump prints more."""
        for name in ("raw.pcap", "nested-1.pcap", "nested-2.pcap", "nested-3.pcap", "nested-4.pcap"):
            theirs = [comparable(line) for line in tcpdump(self.captures / name)]
            ours = [comparable(line) for line in self.lines(name)]
            for one, other in zip(theirs, ours):
                check(f"{name}: as tcpdump has it", one, other)
            check(f"{name}: as many lines", len(theirs), len(ours))

    def layers(self):
        deep = self.lines("nested-4.pcap")[0]
        check("four tunnels: all addresses", 5, len(re.findall(r"IP6? ", deep)))
        deeper = self.lines("nested-5.pcap")[0]
        check("five tunnels: the fifth is not looked into", (5, True),
              (len(re.findall(r"IP6? ", deeper)), deeper.endswith("...")))
        objects = [json.loads(self.lines(f"nested-{depth}.pcap", "--json")[0]) for depth in (1, 4, 7)]
        check("layers in JSON", [2, 5, 5], [len(one["layers"]) for one in objects])
        check("too deep in JSON", [False, False, True], [one["too_deep"] for one in objects])

    def fields(self):
        objects = [json.loads(line) for line in self.lines("raw.pcap", "--json")]
        check("times have nanoseconds", "1700000000.000001007", objects[0]["time"])
        theirs = tshark(self.captures / "raw.pcap", "ip.src", "ip.dst", "ip.ttl", "ip.len", "ip.proto", "ipv6.src", "ipv6.dst",
                        "ipv6.hlim", "ipv6.plen")
        ours = []
        for one in objects:
            outer, inner = one["layers"]
            ours.append(";".join(str(word) for word in (
                outer["source"], outer["destination"], outer["ttl"], outer["length"], outer["protocol"], inner["source"],
                inner["destination"], inner["ttl"], inner["length"] - 40)))
        check("JSON: addresses, TTL and lengths as tshark has them",
              [re.sub(r",[^;]*", "", line) for line in theirs], ours)
        theirs = [line for line in tshark(self.captures / "raw.pcap", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw",
                                          "tcp.window_size_value", "tcp.len") if line.strip(";")]
        ours = [";".join(str(one["tcp"][key]) for key in ("source_port", "destination_port", "seq", "ack", "window", "length"))
                for one in objects if "tcp" in one]
        check("JSON: TCP as tshark has it", theirs, ours)
        theirs = [line for line in tshark(self.captures / "raw.pcap", "icmpv6.type", "icmpv6.code") if line.strip(";")]
        ours = [f"{one['icmpv6']['type']};{one['icmpv6']['code']}" for one in objects if "icmpv6" in one]
        check("JSON: ICMPv6 as tshark has it", theirs, ours)
        check("JSON: Packet Too Big tells its MTU", 1280, objects[5]["icmpv6"]["mtu"])
        check("JSON: UDP", {"source_port": 40000, "destination_port": 53, "length": 30}, objects[3]["udp"])

    def written(self):
        """The inner packets, byte for byte and with their times, as captures.py made them."""
        out = self.captures / "written.pcapng"
        for name in ("raw.pcap", "qinq.pcap", "ethernet-padded.pcap", "options.pcap"):
            lines, error, status = self.decode(self.captures / name, "-w", out)
            check(f"{name} -w: prints nothing", ([], 0), (lines, status))
            check(f"{name} -w: tcpdump reads the inner packets", tcpdump(self.captures / "inner.pcap", "-x", "--nano"),
                  tcpdump(out, "-x", "--nano"))
            check(f"{name} -w: tshark reads them", tshark(self.captures / "inner.pcap", "frame.time_epoch", "frame.len",
                                                          "ipv6.src", "_ws.col.Protocol"),
                  tshark(out, "frame.time_epoch", "frame.len", "ipv6.src", "_ws.col.Protocol"))
        done = subprocess.run([self.program, "decode", self.captures / "raw.pcap", "-w", "-"], capture_output=True)
        self.decode(self.captures / "raw.pcap", "-w", out)
        check("-w -: the same on standard output", out.read_bytes(), done.stdout)
        check("-w and --json: both", 7, len(self.lines("raw.pcap", "-w", out, "--json")))
        self.decode(self.captures / "snapped-100.pcap", "-w", out)
        kept = [line.split(";") for line in tshark(out, "frame.cap_len", "frame.len")]
        check("-w: what was not kept stays so", True, all(int(one[0]) <= 80 for one in kept) and any(
            int(one[0]) < int(one[1]) for one in kept))

    def filters(self):
        check("a filter looks at the inner packet", 3, len(self.lines("raw.pcap", "tcp", "port", "80")))
        check("and not at the outer one", 0, len(self.lines("raw.pcap", "host", "192.0.2.1")))
        check("a filter in one word", 1, len(self.lines("raw.pcap", "icmp6 and ip6[40] == 128")))
        _, error, status = self.decode(self.captures / "raw.pcap", "prot", "tcp")
        check("a bad filter: exit status", 1, status)
        check("a bad filter: the message", True, "prot tcp" in error and "syntax error" in error)

    def others(self):
        lines, error, _ = self.decode(self.captures / "mixed.pcap")
        check("what is no 6in4 is not shown", 5, len(lines))
        check("but counted", "10 packets, 5 of 6in4", error.strip())
        _, error, status = self.decode(self.captures / "empty.pcap")
        check("an empty capture", ("0 packets, 0 of 6in4", 0), (error.strip(), status))
        lines, _, _ = self.decode(self.captures / "inner.pcap")
        check("bare IPv6 is no 6in4", [], lines)

    def fragments(self):
        whole = "IP6 2001:db8:1::2.40000 > 2001:db8:ffff::1.53: UDP, length 3000 [of 3 fragments]"
        for name in ("fragments", "fragments-backwards", "fragments-twice"):
            check(f"{name}: one packet", [ADDRESSES + whole],
                  [line.split(" ", 1)[1] for line in self.lines(f"{name}.pcap")])
        check("a fragment that comes twice counts once", "4 packets, 1 of 6in4 (1 put together from 3 fragments)",
              self.decode(self.captures / "fragments-twice.pcap")[1].strip())
        check("fragments of two packets mixed", 2, len(self.lines("fragments-mixed.pcap")))
        incomplete = [("fragments-lost", ["300: 2 fragments", "incomplete"]),
                      ("fragments-overlap", ["300: 2 fragments", "malformed"], ["300: 2 fragments", "incomplete"]),
                      ("fragments-too-large", ["302: 6 fragments", "malformed"]),
                      ("fragments-ecn", ["300: 3 fragments", "malformed"])]
        for name, *packets in incomplete:
            lines, error, _ = self.decode(self.captures / f"{name}.pcap")
            check(f"{name}: each packet has a line", [f"{ADDRESSES}frag ({what}) ip-proto-41 [{why}]" for what, why in packets],
                  [line.split(" ", 1)[1] for line in lines])
            count = sum(int(re.findall(r": (\d+)", what)[0]) for what, _ in packets)
            check(f"{name}: they are counted", f"{count} packets, 0 of 6in4, {count} fragments of incomplete ones",
                  error.strip())
            objects = [json.loads(line) for line in self.lines(f"{name}.pcap", "--json")]
            check(f"{name}: in JSON", [(True, why == "malformed") for _, why in packets],
                  [(one["incomplete"], one["malformed"]) for one in objects])
            check(f"{name}: a filter finds none", [], self.lines(f"{name}.pcap", "ip6"))
        one = json.loads(self.lines("fragments-lost.pcap", "--json")[0])
        check("an incomplete packet in JSON", ("1700000001.000002007", 2, [
            {"version": 4, "source": "192.0.2.1", "destination": "198.51.100.1", "protocol": 41, "identification": 300}]),
              (one["time"], one["fragments"], one["layers"]))
        lines, error, _ = self.decode(self.captures / "fragments-late.pcap")
        check("half a minute later it is another packet", (40, True),
              (len([line for line in lines if "incomplete" not in line]), "3 fragments of incomplete ones" in error))
        check("which is told when it is given up", (["2 fragments", "1 fragment"], True),
              (re.findall(r"\(300: (.*?)\)", "\n".join(lines)), "300: 1" in lines[-1]))
        out = self.captures / "whole.pcapng"
        self.decode(self.captures / "fragments.pcap", "-w", out)
        check("a packet that was put together has the right checksum", ["3048;1"], tshark_with_checksums(out))
        one = json.loads(self.lines("fragments.pcap", "--json")[0])
        check("fragments in JSON", (3, 3068), (one["fragments"], one["layers"][0]["length"]))
        inner = json.loads(self.lines("inner-fragment.pcap", "--json")[0])["layers"][1]
        check("an inner fragment", {"offset": 0, "more": True, "identification": 9}, inner["fragment"])
        check("fragments that were cut short", True, self.lines("fragments-snapped.pcap")[0].endswith(
            "UDP, length 3000 [truncated] [of 3 fragments]"))

    def truncated(self):
        """Captures of every length: each packet is marked as truncated, and nothing is invented."""
        for kept in (20, 30, 59, 60, 70, 80, 100):
            lines, error, status = self.decode(self.captures / f"snapped-{kept}.pcap")
            full = self.lines("raw.pcap")
            short = [line for line in lines if "[truncated]" in line]
            expected = 7 if kept < 80 else sum(int(length) > kept for length in tshark(
                self.captures / f"snapped-{kept}.pcap", "frame.len"))
            check(f"{kept} bytes kept: truncated lines", (7, expected, 0), (len(lines), len(short), status))
            check(f"{kept} bytes kept: each begins as the whole packet's", True,
                  all(without_ports(whole).startswith(re.sub(r"(TCP|UDP|ICMP6)? ?\[truncated\]", "", without_ports(line)).rstrip())
                      for whole, line in zip(full, lines)))
        for kept in (5, 19):
            lines, error, status = self.decode(self.captures / f"snapped-{kept}.pcap")
            check(f"{kept} bytes kept: nothing to tell", ([], 0), (lines, status))
            check(f"{kept} bytes kept: but so many", "7 packets, 0 of 6in4, 7 cut short before the end of their IP header",
                  error.strip())
        lines = self.lines("malformed.pcap")
        check("an inner length that is a lie", True, "[32729 bytes missing]" in lines[0])
        check("no IPv6 inside", 3, sum(line.endswith(ADDRESSES + "[malformed]") for line in lines))
        lines, error, _ = self.decode(self.captures / "short.pcap")
        check("headers that do not fit their packets are no truncation", (
            ["TCP [malformed]", "UDP [malformed]", "ICMP6 [malformed]"], "3 packets, 3 of 6in4 (3 malformed)"),
              ([line.split(": ")[-1] for line in lines], error.strip()))
        objects = [json.loads(line) for line in self.lines("short.pcap", "--json")]
        check("nor in JSON", [(None, True, False)] * 3, [(one[key], one["malformed"], one["truncated"]) for one, key in zip(
            objects, ("tcp", "udp", "icmpv6"))])

    def mistakes(self):
        def mistake(what, status, pattern, *arguments, **options):
            lines, error, seen = self.decode(*arguments, **options)
            check(f"{what}: exit status", status, seen)
            check(f"{what}: the message", True, bool(re.search(pattern, error)) or error)

        mistake("no file given", 1, "needs a capture file")
        mistake("no such file", 1, "nowhere.pcap: there is no such file", "nowhere.pcap")
        mistake("no capture", 1, "text.pcap: not a capture file: unknown file format", self.captures / "text.pcap")
        mistake("a directory", 1, "not a capture file: .*directory", self.captures)
        mistake("a link type that is not known", 1, r"link type IEEE802_11 \(105\), 802.11", self.captures / "wireless.pcap")
        mistake("an unknown option", 1, "unrecognised option '--colour'", "--colour", "x")
        mistake("JSON and a capture on standard output", 1, "both want", self.captures / "raw.pcap", "--json", "-w", "-")
        mistake("a place that cannot be written", 2, "cannot write .*No such file", self.captures / "raw.pcap", "-w",
                self.captures / "nowhere" / "x")
        before = (self.captures / "raw.pcap").read_bytes()
        mistake("its own input", 1, "is the capture that is read", self.captures / "raw.pcap", "-w", self.captures / "raw.pcap")
        check("its own input: stays", before, (self.captures / "raw.pcap").read_bytes())
        with open(self.captures / "raw.pcap", "rb") as file:
            mistake("its own input as standard input", 1, "raw.pcap is the capture that is read", "-", "-w",
                    self.captures / "raw.pcap", stdin=file)
        check("its own input as standard input: stays", before, (self.captures / "raw.pcap").read_bytes())
        grows = self.captures / "grows.pcap"
        grows.write_bytes(before)
        with open(grows, "rb") as source, open(grows, "ab") as sink:
            done = subprocess.run([self.program, "decode", "-", "-w", "-"], stdin=source, stdout=sink, stderr=subprocess.PIPE)
        check("its own input as standard output", (1, before), (done.returncode, grows.read_bytes()))
        with open("/dev/null") as nothing:
            mistake("no capture on standard input", 1, "not a capture file", "-", "-w", "/dev/null", stdin=nothing)
        lines, error, status = self.decode(self.captures / "torn.pcap")
        check("a file that ends early: what there is", (6, 1, True), (len(lines), status, "truncated dump file" in error))
        if os.getuid() != 0:
            closed = self.captures / "closed.pcap"
            closed.write_bytes(b"")
            closed.chmod(0)
            mistake("a file that may not be read", 2, "cannot read .*Permission denied", closed)
        with open("/dev/full", "w") as full:
            status = subprocess.run([self.program, "decode", self.captures / "raw.pcap"], stdout=full,
                                    stderr=subprocess.DEVNULL).returncode
        check("a full disk: exit status", 2, status)
        _, error, status = self.decode(self.captures / "raw.pcap", "-w", "/dev/full")
        check("a full disk with -w: exit status", 2, status)

    def large(self):
        """200 MB take little memory, and a terminal shows the progress."""
        big = self.captures / "big.pcap"
        head, packet = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101), None
        data = (self.captures / "fragments.pcap").read_bytes()[24:]
        records = []
        while data:
            length = struct.unpack("<IIII", data[:16])[2]
            records.append(data[16 : 16 + length])
            data = data[16 + length :]
        # Whole packets, and first fragments of many packets whose other fragments never come.
        with open(big, "wb") as file:
            file.write(head)
            number = 0
            while file.tell() < 200 * 10**6:
                chunk = []
                for _ in range(1000):
                    number += 1
                    record = records[number % 3] if number % 4 else records[0][:4] + struct.pack("!H", number // 4 % 65536) + records[0][6:]
                    chunk.append(struct.pack("<IIII", 1700000000 + number // 1000, number % 1000, len(record), len(record)) + record)
                file.write(b"".join(chunk))

        def limited():
            resource.setrlimit(resource.RLIMIT_AS, (128 << 20, 128 << 20))

        # A program with a sanitizer does not start with this limit.
        can_be_limited = subprocess.run([self.program, "--version"], capture_output=True, preexec_fn=limited).returncode == 0
        done = subprocess.Popen([self.program, "decode", big, "-w", "/dev/null"], stderr=subprocess.PIPE,
                                preexec_fn=limited if can_be_limited else None)
        error = done.stderr.read().decode()
        _, status, usage = os.wait4(done.pid, 0)
        done.returncode = status
        check("200 MB in 128 MB of memory: exit status", 0, status)
        print(f"   peak {usage.ru_maxrss} kB resident, {usage.ru_utime + usage.ru_stime:.1f} s of CPU: {error.strip()}")
        check("200 MB: at most 24 MB resident", True, usage.ru_maxrss < 24 * 1024 or not can_be_limited)

        self.shows_bar("lines that are read slowly", big, 201)
        check("and nowhere else", False, "[" in error)

        # Frames without IP take time, too. Most of the file is a hole.
        other = self.captures / "other.pcap"
        with open(other, "wb") as file:
            file.write(head[:20] + struct.pack("<I", 1))
            for number in range(8192):
                file.write(struct.pack("<IIII", 1700000000, number, 262144, 262144))
                file.seek(262144, os.SEEK_CUR)
            file.truncate()
        self.shows_bar("frames that are no IP", other, 2148)

        # A failed write ends decode early.
        for what, expected in (("a full disk", "No space left on device"), ("a reader that has gone", "Broken pipe")):
            if what == "a full disk":
                sink = os.open("/dev/full", os.O_WRONLY)
            else:
                reading, sink = os.pipe()
                os.close(reading)
            with open(big, "rb") as source:
                # Python ignores SIGPIPE, as many services do, and a child inherits this.
                done = subprocess.run([self.program, "decode", "-"], stdin=source, stdout=sink, stderr=subprocess.PIPE, text=True,
                                      restore_signals=False)
                position = os.lseek(source.fileno(), 0, os.SEEK_CUR)
            os.close(sink)
            check(f"{what}: the message", (2, f"sixin4: cannot write to standard output: {expected}"),
                  (done.returncode, done.stderr.strip()))
            check(f"{what} ends it early", True, position < 10**6 or position)

    def shows_bar(self, what, file, megabytes):
        """The progress bar on a terminal, while the lines go to a pipe that is read slowly."""
        controller, terminal = pty.openpty()
        watched = subprocess.Popen([self.program, "decode", file], stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        while os.read(watched.stdout.fileno(), 65536):
            time.sleep(0.01)
        shown = b""
        try:
            while piece := os.read(controller, 65536):
                shown += piece
        except OSError:
            pass  # the other end of the terminal is closed
        os.close(controller)
        watched.wait()
        bars = re.findall(rb"\[(#*)\.*\] (\d+) % of (\d+) MB", shown)
        check(f"{what}: a progress bar on a terminal", True, bool(bars) and int(bars[0][2]) == megabytes)
        check(f"{what}: that grows", True, [int(bar[1]) for bar in bars] == sorted(int(bar[1]) for bar in bars))
        check(f"{what}: and goes", True, bool(re.match(rb"\d+ packets", shown.split(b"\x1b[K")[-1])))


def main():
    need("tcpdump", "tshark")
    if run(PYTHON_WITH_SCAPY, "-c", "import scapy.all")[2] != 0:
        skip("scapy (python3-scapy) is not installed")
    with tempfile.TemporaryDirectory() as directory:
        captures = pathlib.Path(directory)
        _, error, status = run(PYTHON_WITH_SCAPY, HERE / "captures.py", captures)
        if status != 0:
            sys.exit(f"captures.py: {error}")
        tests = Tests(pathlib.Path(sys.argv[1]).resolve(), captures)
        for test in (tests.link_types, tests.lines_as_tcpdump, tests.layers, tests.fields, tests.written, tests.filters,
                     tests.others, tests.fragments, tests.truncated, tests.mistakes, tests.large):
            test()
    finish()


if __name__ == "__main__":
    main()
