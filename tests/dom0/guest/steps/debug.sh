# SPDX-License-Identifier: GPL-2.0
# The last step of every run: what a kernel that checks itself has found. Its
# reports are on the console, where they fail the run; but a checker that gave
# up, or never was there, is silent, too. Each is asked whether it still works.
# Kernels without checkers report nothing here.

CHECKERS=/sys/kernel/debug
# Asked when the machine starts: the log does not keep it for ever.
KASAN=$(dmesg | grep 'KernelAddressSanitizer initialized')

# Of kmemleak's report a line for each object: where it was made. xen-pciback loses
# what it made for a device, whose release forgets where that is too early.
leaks_of()
{
	awk '/^unreferenced object/ { if (where) print where; where = "by" }
		$1 ~ /\+0x/ { where = where " " $1 }
		END { if (where) print where }' | grep -v ' xen_pcibk_config_add_field_offset+'
}

# Objects that nothing points to; one is a leak if the next scan says so again.
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
		check debug.no-leaks "$(wc -l </tmp/leaks) objects are lost, the first made $(head -n 1 /tmp/leaks)" \
			[ ! -s /tmp/leaks ]
	fi
	if [ -e $CHECKERS/kfence ]; then
		check debug.kfence-works "KFENCE is off: $(head -n 1 $CHECKERS/kfence/stats)" \
			grep -q '^enabled: 1$' $CHECKERS/kfence/stats
	fi
}
