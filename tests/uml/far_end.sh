# shellcheck shell=bash
# A real kernel as the far end of a tunnel: User Mode Linux (Debian package user-mode-linux), a
# Linux kernel that runs as an ordinary program and has the sit device that many kernels lack.
# To be sourced by a bash script that runs as root:
#
#   uml_start NETNS TAP HOST/LEN GUEST/LEN   boot; TAP in NETNS is the wire, HOST and GUEST its IPv4 ends
#   uml_sit NAME LOCAL REMOTE MTU [OPTION…]  make a sit device; OPTION as for `ip link` (else: ttl 64)
#   uml_exec 'command'                       run in the guest: its output and its exit status
#   uml_daemon NAME 'command'                start in the guest; prints the process id in the guest; the output
#                                            is in $uml_dir/NAME.log
#   uml_stop                                 halt the guest, remove everything that uml_start made
#
# uml_start returns 1 and sets $uml_why to one sentence if no guest can run here. The guest has the host's
# files read-only. Only $uml_dir, which has the same path in the guest, is writable by both. The guest has
# its own /tmp and /run. Modules load on demand.
# Settings: UML_MEMORY, UML_BOOT_SECONDS, UML_LIMIT (seconds that one uml_exec may take).

uml_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
uml_dir='' uml_pid='' uml_why='' uml_netns='' uml_tap='' uml_to='' uml_from=''

# Sets $uml_why to the first missing requirement of a guest, or to an empty string.
uml_usable() {
    local tool
    uml_why=''
    for tool in linux.uml ip perl setsid timeout flock; do
        command -v "$tool" >/dev/null || { uml_why="$tool is not installed"; return 1; }
    done
    if [ "$(id -u)" -ne 0 ]; then
        uml_why='only root can make the network namespace and the tap device'
    elif [ ! -c /dev/net/tun ]; then
        uml_why='there is no /dev/net/tun'
    elif [ ! -d "/usr/lib/uml/modules/$(linux.uml --version)" ]; then
        uml_why="the modules of linux.uml $(linux.uml --version) are not in /usr/lib/uml/modules"
    fi
    [ -z "$uml_why" ]
}

# uml_read_line SECONDS: reads one line from the guest into $uml_line. Fails after SECONDS or when the guest has ended.
uml_read_line() {
    local end=$((SECONDS + $1)) part
    uml_line=''
    while ! IFS= read -r -t 1 -u "$uml_from" part; do
        uml_line+=$part
        kill -0 "$uml_pid" 2>/dev/null && [ "$SECONDS" -lt "$end" ] || return 1
    done
    uml_line+=$part
}

uml_start() {
    local netns=$1 tap=$2 host=$3 guest=$4 preload='' seconds=${UML_BOOT_SECONDS:-30}
    uml_usable || return 1

    uml_dir=$(mktemp -d "${TMPDIR:-/tmp}/uml-XXXXXX")
    install -m 755 "$uml_here/guest_init.sh" "$uml_dir/init"
    install -m 755 "$uml_here/guest_modprobe.pl" "$uml_dir/modprobe"
    # Needed on processors with AMX, without effect on others.
    if command -v cc >/dev/null && cc -O2 -shared -fPIC -o "$uml_dir/xstate_shim.so" "$uml_here/xstate_shim.c"; then
        preload=$uml_dir/xstate_shim.so
    fi

    # The guest's serial line is two pipes, because a reader of a pipe wakes at once. They are opened for both
    # directions, so that open does not block.
    mkfifo "$uml_dir/to" "$uml_dir/from"
    exec {uml_to}<>"$uml_dir/to" {uml_from}<>"$uml_dir/from"

    uml_netns=$netns uml_tap=$tap
    if ! { ip -n "$netns" tuntap add mode tap name "$tap" && ip -n "$netns" address add "$host" dev "$tap" &&
        ip -n "$netns" link set "$tap" up; }; then
        uml_why="cannot make the tap device $tap in the network namespace $netns"
        uml_stop
        return 1
    fi

    # setsid: the guest consists of several processes, which can be killed together as a process group.
    # uml_dir: keeps the guest's control files out of the home directory. gro: without it the guest cannot
    # receive the super-packets that the host's TCP sends to the tap device.
    ip netns exec "$netns" setsid env ${preload:+LD_PRELOAD="$preload"} linux.uml \
        mem="${UML_MEMORY:-128M}" uml_dir="$uml_dir/" umid=guest \
        rootfstype=hostfs rootflags=/ root=/dev/root ro init="$uml_dir/init" \
        con=null con0=null,fd:1 "ssl0=fd:$uml_to,fd:$uml_from" "vec0:transport=tap,ifname=$tap,depth=128,gro=1" \
        "guest_address=$guest" "host_pid=$$" </dev/null >"$uml_dir/boot.log" 2>&1 &
    uml_pid=$!
    disown "$uml_pid" # else bash reports its end, with the whole command

    if uml_read_line "$seconds" && [ "$uml_line" = ready ]; then
        return 0
    fi
    if grep -q 'ptrace set fp regs failed' "$uml_dir/boot.log" && [ -z "$preload" ]; then
        uml_why='linux.uml cannot run on a processor with AMX unless cc can build xstate_shim.c'
    elif kill -0 "$uml_pid" 2>/dev/null; then
        uml_why="linux.uml did not boot within $seconds seconds; ${uml_line:+its output: $uml_line; }last log line: $(tail -n 1 "$uml_dir/boot.log")"
    else
        uml_why="linux.uml ended while booting: $(grep -m 1 -iE 'panic|fail|fatal|not permitted|cannot' "$uml_dir/boot.log" || tail -n 1 "$uml_dir/boot.log")"
    fi
    uml_stop
    return 1
}

uml_exec() {
    local limit=${UML_LIMIT:-30} file status=125
    file=$(mktemp "$uml_dir/cmd-XXXXXX") # a name, not a count: callers are often subshells
    printf '%s\n' "$1" >"$file"
    # The guest runs one command at a time; its background processes continue.
    exec {uml_lock}>"$uml_dir/lock"
    flock "$uml_lock"
    echo "$file $limit" >&"$uml_to"
    while uml_read_line $((limit + 5)); do
        # Another file name is a late answer to a command that timed out.
        [ "${uml_line% *}" = "$file" ] && status=${uml_line##* } && break
    done
    exec {uml_lock}>&-
    if [ "$status" = 125 ]; then
        kill -0 "$uml_pid" 2>/dev/null && echo "the guest does not answer: $1" >&2 ||
            echo "the guest has died: $(grep -m 1 -i panic "$uml_dir/boot.log")" >&2
    fi
    cat "$file.out" 2>/dev/null || true
    cat "$file.err" >&2 2>/dev/null || true
    rm -f "$file" "$file.out" "$file.err"
    return "$status"
}

uml_daemon() {
    uml_exec "setsid bash -c $(printf %q "$2") >$uml_dir/$1.log 2>&1 </dev/null & echo \$!"
}

uml_sit() {
    local name=$1 local=$2 remote=$3 mtu=$4
    shift 4
    [ $# -gt 0 ] || set -- ttl 64
    uml_exec "ip link add $name type sit local $local remote $remote $* && ip link set $name mtu $mtu up"
}

uml_stop() {
    local try
    if [ -n "$uml_pid" ]; then
        kill -0 "$uml_pid" 2>/dev/null && echo 'halt 0' >&"$uml_to"
        for ((try = 0; try < 50; try++)); do
            kill -0 "$uml_pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$uml_pid" 2>/dev/null || true # the remaining processes of the group
    fi
    [ -z "$uml_tap" ] || ip -n "$uml_netns" link delete "$uml_tap" 2>/dev/null || true
    if [ -n "$uml_dir" ]; then
        { exec {uml_to}>&- {uml_from}>&-; } 2>/dev/null || true
        rm -rf "$uml_dir"
    fi
    uml_pid='' uml_tap='' uml_dir=''
}
