#!/usr/bin/env bash
# The Linux kernel's selftests of the sit device, with sixin4 endpoints instead of sit devices:
#
#   selftests/net/pmtu.sh            an IPv4 router on the path has a smaller MTU than the link: the sender must learn
#                                    the path MTU
#   selftests/bpf/test_tc_tunnel.sh  a BPF program encapsulates TCP over IPv6 in 6in4: the endpoint must decapsulate it
#
# The tests are part of Debian's package linux-source-6.1, which is downloaded (140 MB) if it is not installed.
#   kernel_selftests_test.sh PROGRAM
set -euo pipefail
# shellcheck source=tests/netns/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/../netns/checks.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "$1")
package=linux-source-6.1
selftests=tools/testing/selftests

[[ -r /dev/net/tun && -w /dev/net/tun ]] || two_hosts_fail "needs a /dev/net/tun that this user may open"
for command in ip ping sysctl unshare xz; do
  command -v "$command" >/dev/null || two_hosts_fail "needs $command"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Writes the tar archive of the kernel's source to standard output.
kernel_source() {
  local installed=/usr/src/$package.tar.xz
  if [[ -e $installed ]]; then
    cat "$installed"
  else
    dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar --extract --to-stdout ".$installed"
  fi | xz --decompress --stdout --threads=0
}

if [[ ! -e /usr/src/$package.tar.xz ]]; then
  command -v apt-get >/dev/null || two_hosts_fail "needs apt-get, to download Debian's package $package"
  (cd "$work" && timeout 150 apt-get download -q "$package" >apt-get.log 2>&1) ||
    two_hosts_fail "cannot download Debian's package $package: $(grep -m1 '^E:' "$work/apt-get.log" || echo 'too slow')"
fi
kernel_source | tar --extract --directory "$work" --strip-components=1 \
  "$package/$selftests/net/pmtu.sh" "$package/$selftests/bpf/test_tc_tunnel.sh" \
  "$package/$selftests/bpf/progs/test_tc_tunnel.c"
rm -f "$work"/*.deb

# on_sixin4 FOLDER COMMAND…: runs a command in a folder of the selftests and sets $status to its exit status.
on_sixin4() {
  cd "$work/$selftests/$1"
  status=0
  "$here/on_sixin4.sh" "$program" "${@:2}" || status=$?
  ((status != 77)) || exit 77
}

on_sixin4 net sh ./pmtu.sh pmtu_ipv6_ipv4_exception
((status != 4)) || two_hosts_fail "pmtu.sh found that this kernel lacks something (see above)"
check "pmtu.sh: IPv6 over IPv4" 0 "$status"

# If the requirements of test_tc_tunnel.sh are missing, the result of pmtu.sh still counts.
left_out() {
  ((failures == 0)) || finish
  two_hosts_fail "test_tc_tunnel.sh was left out: $1"
}
[[ $(id -u) == 0 ]] || left_out "loading a BPF program needs root"
for command in tc ethtool ss; do
  command -v "$command" >/dev/null || left_out "needs $command"
done
[[ $(nc -h 2>&1 || true) =~ [[:space:]]-6[[:space:]] ]] || left_out "needs netcat-openbsd"
[[ $(clang --print-targets 2>/dev/null || true) == *bpf* ]] || left_out "needs clang with the target bpf"
[[ -e /usr/include/bpf/bpf_helpers.h ]] || left_out "needs libbpf-dev"
cd "$work/$selftests/bpf"
# Without the architecture macro glibc's headers would include 32-bit headers, which are not installed.
clang -target bpf -g -O2 "-D__$(uname -m)__" -idirafter "/usr/include/$(clang -print-multiarch)" \
  -c progs/test_tc_tunnel.c -o test_tc_tunnel.bpf.o
loads_bpf() {
  unshare --net sh -ec 'ip link add name probe type veth peer name peer; tc qdisc add dev probe clsact
    tc filter add dev probe egress bpf direct-action object-file test_tc_tunnel.bpf.o section encap_sit_none' 2>&1
}
output=$(loads_bpf) || left_out "this kernel, or tc, does not load its BPF program: ${output##*$'\n'}"

on_sixin4 bpf bash ./test_tc_tunnel.sh ipv6 sit none 100
check "test_tc_tunnel.sh: sit" 0 "$status"
finish
