# SPDX-License-Identifier: GPL-2.0
# Library of the steps: results, PCI devices, the state of the machine.

RESULTS=/tmp/results
PCI=/sys/bus/pci/devices
TRACE=/sys/kernel/tracing

# option NAME: the value of NAME=value on the kernel's command line
option()
{
	sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline
}

PREFIX=$(option xpi_prefix)
: >$RESULTS
stty -F /dev/ttyS1 raw 115200
exec 3>/dev/ttyS1

# Write a line at once: all processes of a step share the channel.
emit()
{
	echo "xpi: $*" >&3
	echo "xpi: $*" >>$RESULTS
}

pass() { emit "pass $PREFIX.$1"; }
skip() { emit "skip $PREFIX.$1: $2"; }
info() { emit "info $*"; }

fail()
{
	local name=$1
	shift
	emit "fail $PREFIX.$name: $(echo "$*" | tr '\n' ' ')"
}

# check NAME REASON COMMAND...: pass if COMMAND succeeds, else fail with REASON
check()
{
	local name=$1 reason=$2
	shift 2
	if "$@"; then
		pass "$name"
	else
		fail "$name" "$reason"
	fi
}

# check_after NAME REASON COMMAND...: like check, but REASON is a command too. It runs
# after COMMAND failed, and prints the reason.
check_after()
{
	local name=$1 reason=$2
	shift 2
	if "$@"; then
		pass "$name"
	else
		fail "$name" "$(eval "$reason")"
	fi
}

# why REASON: return false. The caller of the test reads the reason in /tmp/why.
why() { echo "$*" >/tmp/why; return 1; }

# within SECONDS COMMAND...: try COMMAND ten times a second; return true when it does.
# A slow machine takes longer, because tries are counted.
within()
{
	local i tries=$(($1 * 10))
	shift
	for i in $(seq $tries); do
		"$@" && return 0
		usleep 100000
	done
	return 1
}

said_or_gone() { grep -q "$2" "$1" || [ ! -d "/proc/$3" ]; }

# says SECONDS FILE TEXT PID: wait until FILE, the output of process PID, has TEXT.
# Stops waiting when the process has ended.
says()
{
	within "$1" said_or_gone "$2" "$3" "$4"
	grep -q "$3" "$2"
}

# meminfo FIELD: print a size in kB or a number of hugepages; nothing if the kernel has
# no such field
meminfo() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }

at_most() { [ "$($2)" -le "$1" ]; }

# grows_at_most KB MEASURE COMMAND...: true if the kB that MEASURE prints grow by at
# most KB while COMMAND runs. If they grow more, COMMAND runs again: a leak has the same
# size the second time, but a reserve fills only once. Slabs have such a reserve, and
# KASAN keeps freed memory up to a part of all memory. Waits, because workers free memory
# a little later. Sets GREW. Returns 2 if COMMAND fails.
grows_at_most()
{
	local limit=$1 measure=$2 before i
	shift 2
	for i in 1 2; do
		before=$($measure)
		"$@" || return 2
		within 5 at_most $((before + limit)) "$measure"
		GREW=$(($($measure) - before))
		info "$measure: $before kB, $GREW kB more after $*"
		[ $GREW -le "$limit" ] && return 0
	done
	return 1
}

finish()
{
	emit "end $(grep -c '^xpi: pass' $RESULTS) $(grep -c '^xpi: fail' $RESULTS) $(grep -c '^xpi: skip' $RESULTS)"
}

# Forward the lines of a program that uses the protocol. Its end line is checked and
# dropped. A missing end line means that the program crashed, and is a failed test.
relay()
{
	local what=$1 word rest ended= said=/tmp/relay.$1 line
	shift
	"$@" 2>/tmp/stderr | tee "$said" | while read -r line; do
		case $line in
		"xpi: end "*) ;;
		"xpi: info "*) emit "${line#xpi: }" ;;
		"xpi: "*)
			line=${line#xpi: } word=${line%% *} rest=${line#* }
			emit "$word $PREFIX.$rest" ;;
		*) echo "$what: $line" ;;
		esac
	done
	cat /tmp/stderr
	ended="xpi: end $(grep -c '^xpi: pass' "$said") $(grep -c '^xpi: fail' "$said") $(grep -c '^xpi: skip' "$said")"
	check "$what.ended" "it ended early: $(tail -n 1 /tmp/stderr)" \
		grep -qx "$ended" "$said"
}

# devices VENDOR:DEVICE: print the addresses of these PCI devices
devices()
{
	local d
	for d in $PCI/*; do
		[ "$(cat "$d/vendor"):$(cat "$d/device")" = "0x${1%:*}:0x${1#*:}" ] &&
			echo "${d##*/}"
	done
}

nth() { echo "$2" | sed -n "$1p"; }

EDU=$(devices 1234:11e8)
EDU_A=$(nth 1 "$EDU")
EDU_B=$(nth 2 "$EDU")

driver_of() { [ -e "$PCI/$1/driver" ] && basename "$(readlink "$PCI/$1/driver")"; }
group_of() { [ -e "$PCI/$1/iommu_group" ] && basename "$(readlink "$PCI/$1/iommu_group")"; }
groups() { ls /sys/kernel/iommu_groups | wc -l; }

# set_command DEVICE BITS: write its command register, with the upper byte 0
set_command()
{
	printf "$(printf '\\%03o\\000' "$2")" | dd of="$PCI/$1/config" bs=1 seek=4 conv=notrunc 2>/dev/null
}

# Turn on memory decoding and bus mastering of a device without a driver.
enable()
{
	echo 1 >"$PCI/$1/enable"
	set_command "$1" 6
}

# Bind a device to vfio-pci; an error message stays in /tmp/bind.
bind_vfio()
{
	local d=$PCI/$1
	echo vfio-pci >"$d/driver_override"
	[ -e "$d/driver" ] && echo "$1" >"$d/driver/unbind"
	echo "$1" 2>/tmp/bind >/sys/bus/pci/drivers/vfio-pci/bind
	[ "$(driver_of "$1")" = vfio-pci ]
}

# check_bind NAME DEVICE: vfio-pci takes the device
check_bind() { check_after "$1" "echo vfio-pci refuses $2:; cat /tmp/bind" bind_vfio "$2"; }

unbind()
{
	[ -e "$PCI/$1/driver" ] && echo "$1" >"$PCI/$1/driver/unbind"
	echo >"$PCI/$1/driver_override"
}

DISK=/dev/nvme0n1
disk_there() { [ -b $DISK ]; }

# The disk's driver may still probe after modprobe returned.
start_disk()
{
	modprobe nvme
	within 30 disk_there
}

# Kernel messages since the last mark.
mark() { dmesg | wc -l >/tmp/mark; }
since_mark() { dmesg | tail -n +"$(($(cat /tmp/mark) + 1))"; }
# said WORD [WORD]: one of these messages has all the words
said() { since_mark | grep -F "$1" | grep -qF "${2-}"; }

# Tenths of a second since boot.
now() { cut -d' ' -f1 /proc/uptime | tr -d . | sed 's/.$//'; }

# Print the type of a device's default domain; none if it is in no group.
type_of() { cat "$PCI/$1/iommu_group/type" 2>/dev/null || echo none; }

# set_type DEVICE TYPE: set the group's type; true if the group has it then
set_type()
{
	echo "$2" 2>/tmp/set-type >"$PCI/$1/iommu_group/type"
	[ "$(type_of "$1")" = "$2" ]
}
