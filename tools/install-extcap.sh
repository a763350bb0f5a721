#!/usr/bin/env bash
# Links the program into a folder where Wireshark and tshark look for capture programs (extcap(4)), and prints the path.
# Wireshark and tshark then list the running endpoints as interfaces.
#   tools/install-extcap.sh [PROGRAM]            for this user
#   tools/install-extcap.sh --system [PROGRAM]   for everyone on this host; needs root
#   tools/install-extcap.sh --remove [--system]  removes the link
# PROGRAM is build/tools/sixin4 by default.
set -euo pipefail

system='' remove='' program=''
for word in "$@"; do
  case $word in
    --system) system=1 ;;
    --remove) remove=1 ;;
    -*) echo "install-extcap.sh: unknown option '$word'" >&2; exit 1 ;;
    *) program=$word ;;
  esac
done

if ! command -v tshark >/dev/null; then
  echo "install-extcap.sh: needs tshark, which knows the folders (Debian's package tshark)" >&2
  exit 1
fi
folders=$(tshark -G folders 2>/dev/null)
folder_of() { sed -n "s/^$1:[[:space:]]*//p" <<<"$folders" | head -n 1; }
if [[ -n $system ]]; then
  folder=$(folder_of 'Global Extcap path')
  [[ -n $folder ]] || folder=$(folder_of 'Extcap path') # before Wireshark 4.2
else
  folder=$(folder_of 'Personal Extcap path')
  [[ -n $folder ]] || folder=$(folder_of 'Personal configuration')/extcap
fi
if [[ $folder != /?* || $folder == /extcap ]]; then
  echo "install-extcap.sh: 'tshark -G folders' names no folder for capture programs" >&2
  exit 1
fi
link=$folder/sixin4

if [[ -e $link && ! -L $link ]]; then
  echo "install-extcap.sh: $link is not a symbolic link, so it is not replaced or removed" >&2
  exit 1
fi
if [[ -n $remove ]]; then
  rm -f "$link"
  echo "$link is removed"
  exit 0
fi
program=$(realpath "${program:-$(dirname "$0")/../build/tools/sixin4}")
if [[ ! -f $program || ! -x $program ]]; then
  echo "install-extcap.sh: there is no program $program: build it first, or name it" >&2
  exit 1
fi
mkdir -p "$folder"
ln -sfn "$program" "$link"
echo "$link -> $program"
