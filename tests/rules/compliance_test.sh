#!/usr/bin/env bash
# Every function and every test that the compliance tables of docs/compliance.md name is there.
#   compliance_test.sh SOURCE_DIRECTORY BUILD_DIRECTORY
set -euo pipefail
cd "$1"

failures=0
missing() {
  echo "$*"
  failures=$((failures + 1))
}

# The tables' rows, and of a row the words between backquotes in one of its cells.
rows=$(grep -E '^\| [0-9]' docs/compliance.md)
cell() { awk -F ' [|] ' -v column="$1" '{ print $column }' <<<"$2" | sed 's/ |$//' | grep -o '`[^`]*`' | tr -d '`' || true; }

# ctest names a test of parameters with a number behind it, and this scenario folder with underscores.
tests=$(ctest --test-dir "$2" -N | sed -n 's/^ *Test *#[0-9]*: //p' | sed 's/ *# GetParam.*//; s/ *(Disabled)$//')
is_test() { grep -qxE "${1//./\\.}(/[0-9]+)?" <<<"$tests"; }

# exists TEST: a test that ctest knows, `scenario/FOLDER`, or `SCRIPT: text of a check in it`
exists() {
  case $1 in
    scenario/*)
      local folder=${1#scenario/}
      [[ -d tests/scenarios/$folder ]] && grep -q "/${folder//-/_}\$" <<<"$tests"
      ;;
    *:\ *)
      local script=${1%%: *} text=${1#*: }
      is_test "$script" && grep -qF "$text" "tests/${script//.//}_test.sh"
      ;;
    *) is_test "$1" ;;
  esac
}

count=0
while IFS= read -r row; do
  count=$((count + 1))
  functions=$(cell 4 "$row")
  named=$(cell 5 "$row")
  [[ -n $functions ]] || missing "no function in: $row"
  [[ -n $named ]] || missing "no test in: $row"
  while IFS= read -r function; do
    [[ -z $function ]] ||
      grep -rqw "${function##*::}" include src tools || missing "no such function: $function"
  done <<<"$functions"
  while IFS= read -r name; do
    [[ -z $name ]] || exists "$name" || missing "no such test: $name"
  done <<<"$named"
done <<<"$rows"
# More than a few: a table that nobody finds any more would pass.
((count > 50)) || missing "only $count rows found in docs/compliance.md"

echo "$count requirements, $failures failures"
exit $((failures > 0))
