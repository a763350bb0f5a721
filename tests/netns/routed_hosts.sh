# Two hosts, each on a network of its own, with a router between them. To be sourced after checks.sh. Everything is
# removed when the script ends.
#
#   routed_hosts_make        near 192.0.2.1 `wire` --- `near` 192.0.2.254 router 198.51.100.254 `far` --- `wire` 198.51.100.2 far
#   router COMMAND…          runs a command on the router
#   cable_mtu SIDE BYTES     gives both ends of the cable between that host and the router an MTU
#   forget_paths             flushes the path MTUs that the hosts' IPv6 has learned

router() { ip netns exec "$two_hosts_router" "$@"; }

routed_hosts_make() {
  two_hosts_make
  two_hosts_router=sixin4-router-$$
  trap routed_hosts_remove EXIT
  near ip link delete wire
  ip netns add "$two_hosts_router"
  router ip link set lo up
  routed_hosts_cable near 192.0.2.1 192.0.2.254
  routed_hosts_cable far 198.51.100.2 198.51.100.254
  # icmp_ratelimit: by default a kernel sends one unreachable a second to an address.
  router sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
  far sysctl -qw net.ipv4.icmp_ratelimit=0
}

# routed_hosts_cable SIDE HOST ROUTER
routed_hosts_cable() {
  local host=two_hosts_$1
  ip link add wire netns "${!host}" type veth peer name "$1" netns "$two_hosts_router"
  router ip link set "$1" addrgenmode none up
  router ip address add "$3/24" dev "$1"
  "$1" ip link set wire addrgenmode none up
  "$1" ip address add "$2/24" dev wire
  "$1" ip route add default via "$3"
}

routed_hosts_remove() {
  two_hosts_remove
  ip netns delete "$two_hosts_router" 2>/dev/null || true
}

cable_mtu() {
  router ip link set "$1" mtu "$2"
  "$1" ip link set wire mtu "$2"
}

forget_paths() {
  near ip -6 route flush cache
  far ip -6 route flush cache
}
