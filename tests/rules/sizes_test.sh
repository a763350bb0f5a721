#!/usr/bin/env bash
# No file has so many lines that it is likely to have two jobs, and no room is much larger than the others.
#   sizes_test.sh SOURCE_DIRECTORY ROOM...
set -euo pipefail
cd "$1"
shift

most_lines=400
failures=0
while read -r lines file; do
  [[ $file == total ]] && continue
  ((lines <= most_lines)) || { echo "$file has $lines lines, more than $most_lines"; failures=$((failures + 1)); }
done < <(find src include tools tests bench -name '*.[ch]pp' -o -name '*.py' -o -name '*.sh' | xargs wc -l)

room_lines() { cat "src/$1"/* "include/sixin4/$1"/* | wc -l; }
all=$(cat tools/*.cpp | wc -l)
for room in "$@"; do all=$((all + $(room_lines "$room"))); done
for room in "$@"; do
  lines=$(room_lines "$room")
  ((6 * lines <= all)) || { echo "the room $room has $lines of $all lines, more than a sixth"; failures=$((failures + 1)); }
done
exit $((failures > 0))
