# Two hosts on one machine: network namespaces with a veth pair between them, for the demo and the tests. A script
# sources this file. At the end of the script everything is removed.
#
#   two_hosts_enter "$@"   the first call: fails with a message if namespaces cannot be made
#   two_hosts_make         near (192.0.2.1, this end) and far (192.0.2.2, the broker), link `wire` in each
#   near COMMAND…          runs a command on the host near
#   far COMMAND…           runs a command on the host far
#   background SIDE COMMAND…      starts a command on a host (near, far), and ends it when the script ends; its
#                                 process id is in $started
#   listening SIDE PORT   whether a program listens on that TCP port
#   until_true SECONDS COMMAND…   waits until a command succeeds

two_hosts_fail() {
  echo "$(basename "$0"): $*" >&2
  exit "${two_hosts_failure:-1}"
}

# Root stays in its namespaces. Other users become root of a user namespace, with a /run of its own for ip(8).
two_hosts_enter() {
  if [[ ! -c /dev/net/tun ]]; then
    two_hosts_fail "needs /dev/net/tun: load the kernel's tun module, or hand the device into the container"
  fi
  if [[ -n ${two_hosts_in_user_namespace:-} ]]; then
    mount -t tmpfs tmpfs /run
    ip link set lo up
  elif [[ $(id -u) != 0 ]]; then
    if ! unshare --user --map-root-user --net --mount true 2>/dev/null; then
      two_hosts_fail "needs root, or a kernel that lets users make user namespaces: run it with sudo"
    fi
    two_hosts_in_user_namespace=1 exec unshare --user --map-root-user --net --mount "$0" "$@"
  fi
  if ! unshare --net true 2>/dev/null; then
    two_hosts_fail "may not make network namespaces here: needs CAP_SYS_ADMIN (in a container: --privileged)"
  fi
}

# tcpdump drops the groups of root before it captures. A user namespace forbids that.
two_hosts_can_capture() { [[ -z ${two_hosts_in_user_namespace:-} ]]; }

two_hosts_make() {
  two_hosts_near=sixin4-near-$$
  two_hosts_far=sixin4-far-$$
  two_hosts_started=()
  two_hosts_files=$(mktemp -d)
  trap two_hosts_remove EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  ip netns add "$two_hosts_near"
  ip netns add "$two_hosts_far"
  ip link add wire netns "$two_hosts_near" type veth peer name wire netns "$two_hosts_far"
  local side
  for side in near far; do
    $side sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0
    # Tests that count packets need a link on which the kernel does not send packets by itself.
    $side sysctl -qw net.ipv6.conf.default.router_solicitations=0
    $side ip link set lo up
    $side ip link set wire addrgenmode none # IPv4 only
    $side ip link set wire up
  done
  near ip address add 192.0.2.1/24 dev wire
  far ip address add 192.0.2.2/24 dev wire
}

# A veth pair passes 64 KiB packets whole and runs the receiver inside the sender's system call. This function makes it
# behave like two network cards: full-size packets only, received by a thread, in batches as with interrupt moderation,
# and a queue that refuses packets when it is full.
two_hosts_like_network_cards() {
  local side
  for side in near far; do
    two_hosts_receive_offload $side on # first, because veth has receive threads only with gro
    $side ethtool -K wire tso off gso off tx-udp-segmentation off tx-ipxip4-segmentation off >/dev/null
    $side sh -c 'cd /sys/class/net/wire && echo 1 >threaded && echo 20000 >gro_flush_timeout && echo 2 >napi_defer_hard_irqs'
    $side tc qdisc replace dev wire root pfifo limit 2000
  done
}

# two_hosts_receive_offload SIDE on|off
two_hosts_receive_offload() { "$1" ethtool -K wire gro "$2" >/dev/null; }

two_hosts_remove() {
  local pid
  for pid in "${two_hosts_started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${two_hosts_started[@]}"; do wait "$pid" 2>/dev/null || true; done
  ip netns delete "$two_hosts_near" 2>/dev/null || true
  ip netns delete "$two_hosts_far" 2>/dev/null || true
  rm -rf "$two_hosts_files"
}

near() { ip netns exec "$two_hosts_near" "$@"; }
far() { ip netns exec "$two_hosts_far" "$@"; }

# Does not call near or far, because $! would be the process id of a shell and not of the command.
background() {
  local host=two_hosts_$1
  shift
  ip netns exec "${!host}" "$@" &
  started=$!
  two_hosts_started+=("$started")
}

listening() { "$1" ss -Hltn "sport = :$2" | grep -q .; }

until_true() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.05
  done
}

# start_endpoint SIDE PROGRAM [--KEY VALUE]…: runs an endpoint on one side and waits until packets flow. Its log
# is $two_hosts_files/SIDE.log, its control socket $two_hosts_files/SIDE.sock.
start_endpoint() {
  local side=$1 program=$2 log=$two_hosts_files/$1.log
  shift 2
  : >"$log"
  background "$side" "$program" run --control "$two_hosts_files/$side.sock" "$@" 2>"$log"
  until_true 10 grep -q '^ready: ' "$log" || two_hosts_fail "the endpoint at the $side end did not start: $(cat "$log")"
}
