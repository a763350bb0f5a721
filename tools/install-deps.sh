#!/usr/bin/env bash
# Installs the Debian packages that sixin4 needs. If all are installed it does nothing and needs no root.
#   tools/install-deps.sh build   packages to build the program and run the demo
#   tools/install-deps.sh test    these, and the packages that the tests use
set -euo pipefail

build=(g++ cmake ninja-build pkg-config libboost-program-options-dev libmnl-dev libpcap-dev nlohmann-json3-dev
  iproute2 iputils-ping iperf3 tcpdump curl python3-minimal libpython3-stdlib util-linux procps)
test=(libgtest-dev librapidcheck-dev libtins-dev libbenchmark-dev clang clang-format clang-tidy libclang-rt-dev
  tshark socat ethtool nftables user-mode-linux perl libbpf-dev dpkg-dev netcat-openbsd xz-utils python3-scapy)

case ${1:-test} in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  *) echo "install-deps.sh: give build or test, not '$1'" >&2; exit 1 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
    missing+=("$package")
done
[[ ${#missing[@]} == 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "install-deps.sh: needs apt-get (Debian 12); on other systems install packages like these: ${missing[*]}" >&2
  exit 1
fi
if [[ $(id -u) != 0 ]]; then
  echo "install-deps.sh: needs root to install: ${missing[*]}" >&2
  echo "install-deps.sh: run 'sudo $0 ${1:-test}' once" >&2
  exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
