#!/usr/bin/env bash
# A mail server that sends through the tunnel: Debian's Exim on both hosts, the far one with three addresses and a DNS
# server. Messages leave from the address that a source rule names, or over IPv4 if the rule rejects IPv6. Then the same
# by Exim's own options, as in docs/source-addresses.md.
#   mail_test.sh PROGRAM
# If Exim or dnsmasq is not installed, its package (some 2 MB) is downloaded and used without an installation.
set -euo pipefail
program=$(realpath "$1")
# shellcheck source=tests/netns/checks.sh
source "$(dirname "$0")/checks.sh"
two_hosts_enter "$@"
[[ -z ${two_hosts_in_user_namespace:-} ]] || two_hosts_fail "needs root: Exim changes its user"
command -v apt-get >/dev/null || two_hosts_fail "needs apt-get, to download Debian's Exim and dnsmasq"
two_hosts_make
files=$two_hosts_files

# In a directory of its own, so that an installed mail server is not changed.
mkdir "$files/archives" "$files/root"
(cd "$files" && timeout 100 apt-get -q -y -o Dir::Cache::archives="$files/archives" -o Debug::NoLocking=1 --download-only \
  --no-install-recommends install exim4-daemon-light dnsmasq-base >apt-get.log 2>&1) || {
  echo "$(basename "$0"): cannot download Debian's Exim and dnsmasq: $(grep -m1 '^E:' "$files/apt-get.log" || echo 'too slow')" >&2
  exit 77
}
for package in "$files"/archives/*.deb; do
  [[ ! -e $package ]] || dpkg-deb --extract "$package" "$files/root"
done
at_root() { if [[ -e $files/root$1 ]]; then echo "$files/root$1"; else echo "$1"; fi; }
exim=$(at_root /usr/sbin/exim4)
dnsmasq=$(at_root /usr/sbin/dnsmasq)
chmod 755 "$files" # for the user of Exim

# An /etc for each host. Exim gives up root for a user of this name, reads its configuration there and nowhere else, and
# finds libraries only where the linker's cache has them.
find "$files/root" -name '*.so.*' -printf '%h\n' | sort -u | cat - /etc/ld.so.conf >"$files/ld.so.conf"
cp -a /etc "$files/near-etc"
ldconfig -X -C "$files/near-etc/ld.so.cache" -f "$files/ld.so.conf"
if ! grep -q '^Debian-exim:' /etc/passwd; then
  echo 'Debian-exim:x:64001:64001::/nonexistent:/usr/sbin/nologin' >>"$files/near-etc/passwd"
  echo 'Debian-exim:x:64001:' >>"$files/near-etc/group"
fi
rm -f "$files/near-etc/resolv.conf"
echo 'nameserver 2001:db8:41::1' >"$files/near-etc/resolv.conf"
mkdir -p "$files/near-etc/exim4"
cp -a "$files/near-etc" "$files/far-etc"
# on_mail_host SIDE COMMAND…
cat >"$files/on_mail_host" <<END
#!/bin/sh -e
mount --bind "$files/\$1-etc" /etc
shift
exec "\$@"
END
chmod 755 "$files/on_mail_host"

# exim_configuration SIDE: the common part
exim_configuration() {
  cat <<END
primary_hostname = $1.example
exim_path = $exim
keep_environment =
spool_directory = $files/$1-spool
log_file_path = $files/$1-spool/%slog
log_selector = +received_recipients
rfc1413_query_timeout = 0s
END
}
# near_exim MAIN_OPTION TRANSPORT_OPTION
near_exim() {
  exim_configuration near
  cat <<END
$1
begin routers
dnslookup:
  driver = dnslookup
  transport = remote_smtp
begin transports
remote_smtp:
  driver = smtp
  $2
begin retry
* * F,1h,1m
END
}
near_exim '' '' >"$files/near-etc/exim4/exim4.conf"
{
  exim_configuration far
  cat <<'END'
queue_only
acl_smtp_rcpt = accept
END
} >"$files/far-etc/exim4/exim4.conf"

pool='2001:db8:42::a-2001:db8:42::c'
table=$files/recipients
# rules LINE…: sets the source rules
rules() {
  printf '%s\n' 'interface = near6' 'remote = 192.0.2.2' 'address = 2001:db8:41::2/64' 'prefix = 2001:db8:42::/64' \
    'route = 2001:db8:43::/64' "control = $files/near.sock" "pool = mail: $pool" "$@" >"$files/near.conf"
  [[ ! -e $files/near.sock ]] || "$program" reload --control "$files/near.sock"
}
rules
start_endpoint near "$program" -c "$files/near.conf"
start_endpoint far "$program" --interface far6 --remote 192.0.2.1 --address 2001:db8:41::1/64 --prefix 2001:db8:43::/64 \
  --route 2001:db8:42::/64
for host in 1 2 3; do far ip address add 2001:db8:43::$host/128 dev far6 nodad; done
background far "$files/on_mail_host" far "$dnsmasq" --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= \
  --bind-interfaces --listen-address=2001:db8:41::1 --local=/example/ \
  --mx-host=one.example,mx.one.example --host-record=mx.one.example,2001:db8:43::1 \
  --mx-host=two.example,mx.two.example --host-record=mx.two.example,2001:db8:43::2 \
  --mx-host=both.example,mx.both.example --host-record=mx.both.example,192.0.2.2,2001:db8:43::3
background far "$files/on_mail_host" far "$exim" -bdf -oX 25
until_true 10 listening far 25 || two_hosts_fail "the far Exim does not listen"

# source_of RECIPIENT: sends a message and prints the source address that the far host has seen
source_of() {
  local recipient=$RANDOM$RANDOM.$1
  near "$files/on_mail_host" near "$exim" -odi -f sender@near.example "$recipient" <<<'Subject: hello'
  sed -n "s/.* H=[^[]*\[\([^]]*\)\].* for $recipient\$/\1/p" "$files/far-spool/mainlog"
}
sources_of() { # RECIPIENT COUNT: of COUNT messages
  local count
  for ((count = 0; count < $2; ++count)); do
    source_of "$1"
  done
}

check 'without a rule: the host'"'"'s address' 2001:db8:41::2 "$(source_of x@one.example)"
rules 'source = proto tcp port 25 use 2001:db8:42::25'
check 'a fixed address' 2001:db8:42::25 "$(source_of x@one.example)"
rules 'source = proto tcp port 25 use mail random'
check 'random over a pool' '2001:db8:42::a 2001:db8:42::b 2001:db8:42::c' "$(sources_of x@one.example 25 | sort -u | xargs)"
rules 'source = proto tcp port 25 use mail every 1'
check 'another address every second' '2001:db8:42::a 2001:db8:42::b 2001:db8:42::c' \
  "$(for _ in {1..7}; do source_of x@one.example; sleep 0.4; done | sort -u | xargs)"
printf '%s\n' '2001:db8:43::1 2001:db8:42::1' '2001:db8:43::2 2001:db8:42::2' >"$table"
rules "source = to @$table proto tcp port 25 use mail" 'source = proto tcp port 25 use 2001:db8:42::25'
check 'a table: one recipient' 2001:db8:42::1 "$(source_of x@one.example)"
check 'a table: another recipient' 2001:db8:42::2 "$(source_of x@two.example)"
check 'a table: a recipient that is not in it' 2001:db8:42::25 "$(source_of x@both.example)"
rules 'source = to 2001:db8:43::3/128 proto tcp port 25 reject' 'source = proto tcp port 25 use 2001:db8:42::25'
check 'IPv6 rejected: over IPv4' 192.0.2.1 "$(source_of x@both.example)"
check_match 'Exim has logged the rejection' '2001:db8:43::3.*Permission denied' "$(cat "$files/near-spool/mainlog")"
check 'other recipients still over IPv6' 2001:db8:42::25 "$(source_of x@two.example)"

rules
for host in 1 2 25 a b c; do near ip address add 2001:db8:42::$host/128 dev near6 nodad preferred_lft 0; done
# exims_own MAIN_OPTION TRANSPORT_OPTION: sets Exim's configuration and clears its retry data
exims_own() {
  near_exim "$@" >"$files/near-etc/exim4/exim4.conf"
  rm -f "$files"/near-spool/db/*
}
three='{<; 2001:db8:42::a ; 2001:db8:42::b ; 2001:db8:42::c}'
exims_own '' 'interface = <; 2001:db8:42::25'
check "Exim's own: a fixed address" 2001:db8:42::25 "$(source_of x@one.example)"
exims_own '' "interface = <; \${listextract{\${eval:1+\${randint:3}}}$three}"
check "Exim's own: random" '2001:db8:42::a 2001:db8:42::b 2001:db8:42::c' "$(sources_of x@one.example 25 | sort -u | xargs)"
exims_own '' "interface = <; \${listextract{\${eval:1+\$tod_epoch%3}}$three}"
check "Exim's own: another address every second" '2001:db8:42::a 2001:db8:42::b 2001:db8:42::c' \
  "$(for _ in {1..7}; do source_of x@one.example; sleep 0.4; done | sort -u | xargs)"
printf '%s\n' 'one.example: 2001:db8:42::1' 'two.example: 2001:db8:42::2' >"$files/near-etc/exim4/outgoing"
exims_own '' "interface = <; \${lookup{\$domain}lsearch{/etc/exim4/outgoing}{\$value}{2001:db8:42::25}}"
check "Exim's own: a table" '2001:db8:42::1 2001:db8:42::2 2001:db8:42::25' \
  "$(for domain in one two both; do source_of x@$domain.example; done | xargs)"
exims_own 'dns_ipv4_lookup = *.both.example' ''
check "Exim's own: over IPv4" '192.0.2.1 2001:db8:41::2' "$(for domain in both two; do source_of x@$domain.example; done | xargs)"
check 'nothing is left in the queue' '' "$(near "$files/on_mail_host" near "$exim" -bp)"

finish
