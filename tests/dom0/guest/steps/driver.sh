# SPDX-License-Identifier: GPL-2.0
# The driver is loaded before those of the devices, which is all that the steps
# after it need; and what the machine's counters say.

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

# xen_has contexts|tables: of this domain
xen_has() { sed -n "s/.*\\b$1 \([0-9]*\).*/\1/p" $LOOK/query; }

# xen_context DEVICE: the one that Xen has it in
xen_context() { echo "$1" >$LOOK/device && sed 's/^context \([0-9]*\).*/\1/' $LOOK/device; }

# tell_counters WHEN: the driver's, where it has any, and Xen's
tell_counters()
{
	[ -r $LOOK/query ] && info "counters $1: $(cat $LOOK/query)"
	[ -r $COUNTERS ] && info "counters $1: $(tr '\n' ' ' <$COUNTERS)"
}

# counter NAME: of the driver
counter() { sed -n "s/^$1 //p" $COUNTERS; }

# What the kernel says when DMA goes wrong; each of them is somebody's timeout,
# reset or fault.
COMPLAINT='time(d|-)? ?out|\bhang|\bhung|i/o error|reset adapter|dma error|refused|fault addr|bad page'

# Since 7.3 the kernel says so, too, of a clock that it could not read in time, as
# happens when the host of an emulator is busy.
CLOCKS='\] (clocksource|watchdog_print_freq_timeout): '

complaints() { since_mark | grep -vE "$CLOCKS" | grep -iE "$COMPLAINT"; }

# check_quiet NAME: since the last mark
check_quiet()
{
	check "$1" "the kernel says: $(complaints | head -n 1)" eval '! complaints | grep -q .'
}

# check_type NAME DEVICE: is it in the kind of domain that this boot is about?
check_type()
{
	[ -z "$(option xpi_type)" ] && return
	check "$1" "the domain of $2 is $(type_of "$2")" \
		[ "$(type_of "$2")" = "$(option xpi_type)" ]
}
