#!/usr/bin/env bash
# The dependency rules between rooms, read off the include lines.
#   includes_test.sh SOURCE_DIRECTORY
set -euo pipefail
cd "$1"

failures=0
# only WHERE PATTERN: each include in WHERE matches PATTERN (with its brackets or quotes)
only() {
  local wrong
  wrong=$(grep -rnE '^ *# *include' $1 | grep -vE "#include ($2)" || true)
  [[ -z $wrong ]] || { printf 'not allowed there:\n%s\n' "$wrong"; failures=$((failures + 1)); }
}
# only_in WHAT FILE…: the include WHAT stands in these files and nowhere else in the program
only_in() {
  local what=$1 found
  shift
  found=$(grep -rlE "#include $what" include src tools | sort | xargs || true)
  [[ $found == "$*" ]] ||
    { echo "$what stands in: ${found:-nothing} (expected: ${*:-nothing})"; failures=$((failures + 1)); }
}

standard='<[a-z_0-9]+>' # a standard header has no dot and no directory
system='<([a-z_0-9]+/)*[a-z_0-9]+\.h>'
own='"[a-z_]+\.hpp"' # a private header of the same room

vectors='<(immintrin|arm_neon)\.h>' # the processor's, for one file below
only 'include/sixin4/wire src/wire' "$standard|$vectors|\"sixin4/wire/"
only 'include/sixin4/engine src/engine' "$standard|\"sixin4/(wire|engine)/"
only 'include/sixin4/io' "$standard|$system|\"sixin4/wire/|\"sixin4/io/|\"sixin4/engine/(packet|verdict)\.hpp"
only 'src/io' "$standard|$system|$own|\"sixin4/wire/|\"sixin4/io/|\"sixin4/engine/(packet|verdict)\.hpp"
only 'include/sixin4/capture' "$standard|\"sixin4/(wire|engine|capture)/"
only 'src/capture' "$standard|$system|$own|\"sixin4/(wire|engine|capture)/"
only 'include/sixin4/control' "$standard|$system|<nlohmann/json_fwd\.hpp>|\"sixin4/(wire|control)/|\"sixin4/io/file_descriptor\.hpp"
only 'src/control' "$standard|$system|$own|<(boost|libmnl|nlohmann)/|\"sixin4/(wire|control)/|\"sixin4/io/file_descriptor\.hpp"

only_in "$vectors" src/wire/sum_methods.cpp
only_in '<libmnl/' src/control/netlink_message.cpp
only_in '<boost/' src/control/options.cpp src/control/printable.cpp
only_in '<pcap/' src/capture/capture_reader.cpp src/capture/filter.cpp src/capture/link_layer.cpp
only_in '<nlohmann/' include/sixin4/control/json_text.hpp src/control/capture_request.cpp src/control/control_socket.cpp src/control/explanation.cpp src/control/far_end_text.hpp src/control/flow_status.cpp src/control/json_text.cpp src/control/live_view.cpp src/control/rates.cpp src/control/read_answer.hpp src/control/status.cpp tools/bench/json.cpp tools/packet_json.cpp tools/replay.cpp
only_in '<tins/'

# Pure functions: no system call, no clock, no logging, no exception in what touches packets.
impure=$(grep -rnE '::now\(|std::c(err|out)|\bthrow\b|\bnew\b|malloc|virtual' include/sixin4/wire include/sixin4/engine src/wire src/engine |
  grep -vE ':[0-9]+: *(//|///)' || true)
[[ -z $impure ]] || { printf 'not in wire or engine:\n%s\n' "$impure"; failures=$((failures + 1)); }

exit $((failures > 0))
