#!/usr/bin/python3
"""Writes the scenario folders beside this file from the descriptions in author_outbound.py,
author_inbound.py, author_offload.py, author_path.py, author_icmp.py, author_policy.py and author_source.py.

    tests/scenarios/author.py [NAME]...       all scenarios, or those named

Needs scapy (Debian: python3-scapy), which makes every packet and every checksum here: what sixin4 is held
against is not sixin4's own work. The tests do not run this script; they read the folders. After a change
review the folders' diff, and bring the fuzz corpora along with tests/fuzz/make_corpus.py.
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
    known = [told for source in sources for told in source.SCENARIOS]
    unknown = wanted - {name for name, tell, settings in known}
    if unknown:
        sys.exit(f"no such scenario: {', '.join(sorted(unknown))}")
    for name, tell, settings in known:
        if not wanted or name in wanted:
            scenario = Scenario(name, inspect.getdoc(tell), **settings)
            tell(scenario)
            scenario.write()


if __name__ == "__main__":
    main()
