#!/bin/busybox sh
# First process of the virtual machine: mounts what tests need, loads modules, runs the jobs and
# powers off. Test output goes to the second serial port, files that jobs leave to the third.
/bin/busybox mkdir -p /bin /proc /sys /dev /tmp /run
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp TMPDIR=/tmp LANG=C.UTF-8
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
mkdir -p /tmp/out
without() { grep -qx "$1" /lab/without; }
if ! without sys; then
	mount -t sysfs sys /sys
	mount -t securityfs security /sys/kernel/security 2>/dev/null
	mount -t debugfs debug /sys/kernel/debug 2>/dev/null
	mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
	mount -t bpf bpf /sys/fs/bpf
	mount -t cgroup2 cgroup /sys/fs/cgroup
	if without btf; then mount -t tmpfs -o ro none /sys/kernel/btf; fi
fi
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
ip link set lo up
for m in $(cat /lab/modules 2>/dev/null); do insmod /lab/$m.ko || echo "lab: module $m does not load"; done
stty -F /dev/ttyS1 raw -echo 2>/dev/null
stty -F /dev/ttyS2 raw -echo 2>/dev/null
echo "@@lab ready $(uname -r)" >/dev/ttyS1
if [ -e /lab/shell ]; then
	setsid sh -c 'exec sh </dev/ttyS0 >/dev/ttyS0 2>&1'
	poweroff -f
fi
sh /lab/jobs >/dev/ttyS1 2>&1
if [ -n "$(ls /tmp/out)" ]; then tar -czf - -C /tmp/out . >/dev/ttyS2; fi
echo "@@lab done" >/dev/ttyS1
sync
poweroff -f
