# SPDX-License-Identifier: GPL-2.0
# The last step of every run: are the checkers of a debug kernel still on? Their reports
# are on the console, where they fail the run. But a checker that turned itself off, or
# that the kernel lacks, reports nothing either. So each is tested here. Kernels without
# checkers have no results here.

CHECKERS=/sys/kernel/debug
# Read at the start, because the kernel log drops old lines.
KASAN=$(dmesg | grep 'KernelAddressSanitizer initialized')

# Reduce kmemleak's report to a line for each object: where it was allocated. Leaves out
# the known leak of xen-pciback: when it releases a device, it clears its pointer to these
# objects before it frees them.
leaks_of()
{
	awk '/^unreferenced object/ { if (where) print where; where = "by" }
		$1 ~ /\+0x/ { where = where " " $1 }
		END { if (where) print where }' | grep -v ' xen_pcibk_config_add_field_offset+'
}

# Find objects without a pointer to them. Only an object of two scans is a leak.
find_leaks()
{
	echo scan >$CHECKERS/kmemleak
	sleep 5
	echo scan >$CHECKERS/kmemleak
	cat $CHECKERS/kmemleak | tee /dev/console | leaks_of >/tmp/leaks
}

step_debug()
{
	[ -z "$KASAN" ] || pass debug.kasan-works
	if [ -e /proc/lockdep_stats ]; then
		check debug.lockdep-works "lockdep has turned itself off" \
			grep -q 'debug_locks: *1$' /proc/lockdep_stats
	fi
	if [ -e $CHECKERS/dma-api ]; then
		check debug.dma-api-works "the checks of the DMA API are off" \
			[ "$(cat $CHECKERS/dma-api/disabled)" = N ]
		check debug.dma-api-no-errors "$(cat $CHECKERS/dma-api/error_count) errors" \
			[ "$(cat $CHECKERS/dma-api/error_count)" = 0 ]
	fi
	if [ -e $CHECKERS/kmemleak ]; then
		find_leaks
		check debug.no-leaks "$(wc -l </tmp/leaks) objects leaked, the first allocated $(head -n 1 /tmp/leaks)" \
			[ ! -s /tmp/leaks ]
	fi
	if [ -e $CHECKERS/kfence ]; then
		check debug.kfence-works "KFENCE is off: $(head -n 1 $CHECKERS/kfence/stats)" \
			grep -q '^enabled: 1$' $CHECKERS/kfence/stats
	fi
}
