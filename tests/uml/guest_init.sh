#!/bin/bash
# The first process of the guest: prepares the guest, then runs the command files that the host names on the serial
# line. uml_start copies it into the exchange directory; the kernel passes guest_address and host_pid in its
# environment.
exchange=${0%/*}
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C

mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /run/host_proc "$exchange"
# The root file system is that of the host, read-only. These are two more mounts of host directories.
mount -t hostfs -o "$exchange" exchange "$exchange"
mount -t hostfs -o /proc,ro host_proc /run/host_proc
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
ln -s /proc/self/fd /dev/fd

exec 3<>/dev/ttyS0
stty -F /dev/ttyS0 raw -echo

failed() {
    echo "$1" >&3
    echo o >/proc/sysrq-trigger
    sleep 60
}

echo "$exchange/modprobe" >/proc/sys/kernel/modprobe
"$exchange/modprobe" sit || failed 'the sit module does not load'
ip link set lo up
ip address add "${guest_address:?}" dev vec0 || failed 'there is no network device'
ip link set vec0 up

echo ready >&3
line=''
while :; do
    if ! IFS= read -r -t 5 -u 3 part; then
        line+=$part
        # A host script that was killed sends no halt.
        [ -d "/run/host_proc/${host_pid:?}" ] && continue
        line=halt part=''
    fi
    line+=$part
    file=${line% *} limit=${line##* } line=''
    [ "$file" != halt ] || failed halted
    timeout -k 1 "$limit" bash "$file" >"$file.out" 2>"$file.err" </dev/null
    echo "$file $?" >&3
done
