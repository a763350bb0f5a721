#!/usr/bin/env python3
"""Bar plots of the results of `sixin4 bench --json`, as SVG on standard output.

    bench/plot.py [--mtu MTU] [--receive-offload on|off] RESULTS.json >PLOT.svg

One panel for each figure of a workload, one bar for each contestant: the median, followed by the ratio to the kernel's
tunnel, or to socat if the kernel's tunnel was not measured.
"""
import argparse
import html
import json
import math
import sys

# For each figure: the unit of the axis, the factor from the JSON value, and the better direction.
FIGURES = {
    "bits_per_second": ("Gbit/s", 1e-9, "more is better"),
    "cpu_seconds_per_gigabyte": ("CPU seconds per GB", 1, "less is better"),
    "datagrams_per_second": ("1000 datagrams/s", 1e-3, "more is better"),
    "rtt_median_us": ("µs, median", 1, "less is better"),
    "rtt_p99_us": ("µs, 99th percentile", 1, "less is better"),
}
TITLES = {
    "tcp": "One TCP flow",
    "tcp8": "Eight TCP flows",
    "tcp-both": "TCP in both directions",
    "udp64": "UDP, 64 bytes, without loss",
    "udp1200": "UDP, 1200 bytes, without loss",
    "udp-gso": "UDP, 1200 bytes, offloaded",
    "rtt": "Round trip, idle",
    "rtt-load": "Round trip beside a TCP flow",
}
COLOURS = {"raw": "#1f6fb2", "packet": "#3aa6a0", "packet-offload": "#8fc7a2", "socat": "#d98032", "kernel": "#8a8f98"}
NAMES = {"raw": "sixin4 raw", "packet": "sixin4 packet", "packet-offload": "… checksums left", "socat": "socat", "kernel": "kernel (eBPF)"}
ORDER = ["raw", "packet", "packet-offload", "kernel", "socat"]

COLUMNS = 3
PANEL_WIDTH = 400
LABELS = 92  # left of the bars
VALUES = 128  # right of them
BAR = 18
GAP = 7
HEAD = 46  # of a panel: title and direction
FOOT = 44  # axis and unit
TOP = 64  # of the plot: its title
MARGIN = 16


def text(x, y, words, size=12, anchor="start", colour="#24292f", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}">{html.escape(words)}</text>')


def short(value):
    """About three significant digits."""
    if value == 0:
        return "0"
    if value < 0.01:
        return f"{value:.0e}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value < 100 else f"{value:,.0f}"


def axis_end(values, better):
    """The largest value. If less is better, a bar that is many times as long as all others is cut."""
    longest, *others = sorted(values, reverse=True)
    if better.startswith("less") and others and longest > 4 * others[0] > 0:
        return others[0]
    return longest or 1


def step_of(largest):
    """A round step that divides the axis into two to five parts."""
    power = 10 ** math.floor(math.log10(largest))
    return next(power * part for part in (0.2, 0.5, 1, 2, 5) if largest / (power * part) <= 5)


def note_of(row, contestant):
    """The text in brackets after a bar: the ratio to the first measured reference."""
    for reference in ("kernel", "socat"):
        ratio = row["ratios"].get(f"{contestant}/{reference}")
        if ratio is not None:
            return f" ({ratio:.2g} × {reference})" if ratio < 10 else f" ({ratio:,.0f} × {reference})"
    return ""


def panel(row, left, top):
    unit, factor, better = FIGURES[row["figure"]]
    medians = row["medians"]
    values = {name: medians[name] * factor for name in ORDER if medians.get(name) is not None}
    shown = [name for name in ORDER if name in medians]
    largest = axis_end(values.values(), better)
    width = PANEL_WIDTH - LABELS - VALUES
    zero, bars = left + LABELS, top + HEAD
    bottom = bars + len(shown) * (BAR + GAP)
    out = [text(left, top + 16, TITLES.get(row["workload"], row["workload"]), 14, weight="bold"),
           text(left, top + 33, better, 11, colour="#57606a")]
    step = step_of(largest)
    tick = 0.0
    while tick <= largest * 1.0001:
        x = zero + width * tick / largest
        out.append(f'<line x1="{x:.1f}" y1="{bars - 4}" x2="{x:.1f}" y2="{bottom}" stroke="#d8dee4"/>')
        out.append(text(x, bottom + 14, f"{tick:g}", 10, "middle", "#57606a"))
        tick = round(tick + step, 10)
    out.append(text(zero + width / 2, bottom + 29, unit, 10, "middle", "#57606a"))
    for place, name in enumerate(shown):
        y = bars + place * (BAR + GAP)
        out.append(text(zero - 6, y + BAR - 5, NAMES[name], 11, "end"))
        if name not in values:
            out.append(text(zero + 4, y + BAR - 5, "failed", 11, colour="#57606a"))
            continue
        length = width * min(values[name] / largest, 1)
        out.append(f'<rect x="{zero}" y="{y}" width="{max(length, 1):.1f}" height="{BAR}" fill="{COLOURS[name]}"/>')
        cut = "… " if values[name] > largest else ""
        out.append(text(zero + length + 5, y + BAR - 5, cut + short(values[name]) + note_of(row, name), 11))
    return out


def plot(results, mtu, receive_offload):
    rows = [row for row in results["medians"]
            if row["mtu"] == mtu and row["receive_offload"] == receive_offload and any(
                value is not None for value in row["medians"].values())]
    if not rows:
        sys.exit(f"plot.py: nothing was measured with MTU {mtu} and receive offload {'on' if receive_offload else 'off'}")
    height = HEAD + FOOT + max(len(row["medians"]) for row in rows) * (BAR + GAP)
    total = TOP + math.ceil(len(rows) / COLUMNS) * height + MARGIN
    width = COLUMNS * PANEL_WIDTH + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" viewBox="0 0 {width} {total}" '
           'font-family="Helvetica, Arial, sans-serif">',
           f'<rect width="{width}" height="{total}" fill="#ffffff"/>',
           text(MARGIN, 28, "6in4 tunnels between two hosts of one processor each", 17, weight="bold"),
           text(MARGIN, 47, f"tunnel MTU {mtu}, receive offload {'on' if receive_offload else 'off'}; "
                f"medians of {results['rounds']} rounds; Linux {results['kernel']}", 12, colour="#57606a")]
    for place, row in enumerate(rows):
        out += panel(row, MARGIN + place % COLUMNS * PANEL_WIDTH, TOP + place // COLUMNS * height)
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mtu", type=int, default=1480)
    parser.add_argument("--receive-offload", choices=["on", "off"], default="on")
    parser.add_argument("results")
    arguments = parser.parse_args()
    with open(arguments.results, encoding="utf-8") as file:
        results = json.load(file)
    sys.stdout.write(plot(results, arguments.mtu, arguments.receive_offload == "on"))


if __name__ == "__main__":
    main()
