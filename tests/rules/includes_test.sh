#!/usr/bin/env bash
# The dependency rules between rooms, read off the include lines.
#   includes_test.sh SOURCE_DIRECTORY ROW...
# A row is a room and the rooms that it may include, as the table in CMakeLists.txt has them.
set -euo pipefail
cd "$1"
shift

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
json='<nlohmann/json\.hpp>'
# Beside the C++ library and its rooms: what a room's headers, and its sources, may include.
declare -A headers sources
headers=([base]="$system|<nlohmann/json_fwd\.hpp>" [io]="$system" [control]="$system|$json" [datapath]="$system" [testbed]="$system")
sources=([base]="$system|$own|<boost/|$json" [wire]="$vectors|<(arpa/inet|netinet/in)\.h>" [netlink]="$system|$own|<libmnl/"
  [control]="$system|$json" [dissect]="$system|$own|<pcap/|$json" [io]="$system|$own" [config]="$system|$own"
  [capture]="$system|<pcap/" [datapath]="$system|$own" [cli]="$system|$own|$json" [tunnel]="$system|$own"
  [replay]="$system|$own|$json" [testbed]="$system|$own|$json")
(($# > 0)) || { echo 'no table of rooms'; exit 1; }
for row in "$@"; do
  read -r room others <<<"$row"
  rooms="$room${others:+|${others// /|}}"
  only "include/sixin4/$room" "$standard|\"sixin4/($rooms)/${headers[$room]:+|${headers[$room]}}"
  only "src/$room" "$standard|\"sixin4/($rooms)/${sources[$room]:+|${sources[$room]}}"
done
# part_of ROOM OTHER HEADERS: of the room OTHER, ROOM includes these headers alone
part_of() {
  local wrong
  wrong=$(grep -rnE "#include \"sixin4/$2/" "include/sixin4/$1" "src/$1" | grep -vE "sixin4/$2/($3)\.hpp" || true)
  [[ -z $wrong ]] || { printf 'not allowed in %s:\n%s\n' "$1" "$wrong"; failures=$((failures + 1)); }
}
part_of io engine 'packet|verdict'
part_of config netlink 'network_objects'
part_of config engine 'source_rule_types'
part_of cli engine 'packet|verdict'
part_of cli config 'values'
part_of replay tunnel 'settings'

# The walls, which no change of the table moves.
wall() {
  local wrong
  wrong=$(grep -rnE "#include [<\"](sixin4/)?($2)" "include/sixin4/$1" "src/$1" || true)
  [[ -z $wrong ]] || { printf 'beyond the wall of %s:\n%s\n' "$1" "$wrong"; failures=$((failures + 1)); }
}
wall datapath 'config/|netlink/|control/|base/json|nlohmann/'
wall cli 'tunnel/|datapath/|io/|netlink/'
wall control 'config/|cli/|dissect/'

only_in "$vectors" src/wire/sum_methods.cpp
# In the room of formats, for the text of addresses alone.
[[ $(grep -rlE "<arpa/inet.h>" include/sixin4/wire src/wire) == src/wire/address_text.cpp ]] || { echo "<arpa/inet.h> in wire"; failures=$((failures + 1)); }
only_in '<libmnl/' src/netlink/netlink_message.cpp
only_in '<boost/' src/base/options.cpp src/base/printable.cpp
only_in '<pcap/' src/capture/filter.cpp src/dissect/capture_reader.cpp src/dissect/link_layer.cpp
only_in '<tins/'

# Pure functions: no system call, no clock, no logging, no exception in what touches packets.
impure=$(grep -rnE '::now\(|std::c(err|out)|\bthrow\b|\bnew\b|malloc|virtual' include/sixin4/wire include/sixin4/engine src/wire src/engine |
  grep -vE ':[0-9]+: *(//|///)' || true)
[[ -z $impure ]] || { printf 'not in wire or engine:\n%s\n' "$impure"; failures=$((failures + 1)); }

exit $((failures > 0))
