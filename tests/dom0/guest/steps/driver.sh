# SPDX-License-Identifier: GPL-2.0
# Load the driver before the drivers of the devices, for the steps that need only this;
# and functions that read the counters of Xen and of the driver.

LOOK=/sys/kernel/xpi_look
COUNTERS=/sys/kernel/debug/xen-pv-iommu/counters

load_driver()
{
	mark
	modprobe xpi_look
	# shellcheck disable=SC2046 # no parameter, or one
	if ! modprobe xen-pv-iommu $(option xpi_driver) 2>/tmp/modprobe; then
		fail "$1.modprobe" "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return 1
	fi
	pass "$1.modprobe"
	list_groups
	check "$1.groups" "iommu_groups is empty" [ "$(groups)" -gt 0 ]
}

step_driver() { load_driver driver; }

# xen_has contexts|tables: print how many this domain has
xen_has() { sed -n "s/.*\\b$1 \([0-9]*\).*/\1/p" $LOOK/query; }

# xen_context DEVICE: print the device's context in Xen
xen_context() { echo "$1" >$LOOK/device && sed 's/^context \([0-9]*\).*/\1/' $LOOK/device; }

# tell_counters WHEN: print the counters of Xen, and those of the driver if there are any
tell_counters()
{
	[ -r $LOOK/query ] && info "counters $1: $(cat $LOOK/query)"
	[ -r $COUNTERS ] && info "counters $1: $(tr '\n' ' ' <$COUNTERS)"
}

# counter NAME: print a counter of the driver
counter() { sed -n "s/^$1 //p" $COUNTERS; }

# Kernel messages after failed DMA: timeouts, resets and faults.
COMPLAINT='time(d|-)? ?out|\bhang|\bhung|i/o error|reset adapter|dma error|refused|fault addr|bad page'

# Since 7.3 the kernel uses these words also for a clock that it read too late, which
# happens when the host of the emulator is busy.
CLOCKS='\] (clocksource|watchdog_print_freq_timeout): '

complaints() { since_mark | grep -vE "$CLOCKS" | grep -iE "$COMPLAINT"; }

# check_quiet NAME: no such message since the last mark
check_quiet()
{
	check "$1" "the kernel log has: $(complaints | head -n 1)" eval '! complaints | grep -q .'
}

# check_type NAME DEVICE: it must be in the type of domain that xpi_type= selects
check_type()
{
	[ -z "$(option xpi_type)" ] && return
	check "$1" "the domain of $2 is $(type_of "$2")" \
		[ "$(type_of "$2")" = "$(option xpi_type)" ]
}
