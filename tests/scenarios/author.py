#!/usr/bin/python3
"""Writes the scenario folders of this directory from the functions in author_outbound.py, author_inbound.py,
author_offload.py, author_path.py, author_icmp.py, author_policy.py and author_source.py.

    tests/scenarios/author.py [NAME]...       all scenarios, or those with these names

Needs scapy (Debian: python3-scapy), which makes all packets and checksums, so that the expected output does not come
from sixin4. The tests do not run this script; they read the folders. After a change review the diff of the folders,
and update the fuzz corpora with tests/fuzz/make_corpus.py.
"""

import inspect
import sys

sys.dont_write_bytecode = True

import author_icmp  # noqa: E402
import author_inbound  # noqa: E402
import author_offload  # noqa: E402
import author_outbound  # noqa: E402
import author_path  # noqa: E402
import author_policy  # noqa: E402
import author_source  # noqa: E402
from author_format import Scenario  # noqa: E402


def main():
    wanted = set(sys.argv[1:])
    sources = (author_outbound, author_inbound, author_offload, author_path, author_icmp, author_policy, author_source)
    scenarios = [entry for source in sources for entry in source.SCENARIOS]
    unknown = wanted - {name for name, describe, settings in scenarios}
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    for name, describe, settings in scenarios:
        if not wanted or name in wanted:
            scenario = Scenario(name, inspect.getdoc(describe), **settings)
            describe(scenario)
            scenario.write()


if __name__ == "__main__":
    main()
