# SPDX-License-Identifier: GPL-2.0
# The last step of every run: what a kernel that checks itself has found. Its
# reports are on the console, where they fail the run; but a checker that gave
# up, or never was there, is silent, too. Each is asked whether it still works.
# Kernels without checkers report nothing here.

CHECKERS=/sys/kernel/debug
# Asked when the machine starts: the log does not keep it for ever.
KASAN=$(dmesg | grep 'kasan: KernelAddressSanitizer initialized')

# Objects that nothing points to; one is a leak if the next scan says so again.
suspected_leaks()
{
	echo scan >$CHECKERS/kmemleak
	sleep 5
	echo scan >$CHECKERS/kmemleak
	cat $CHECKERS/kmemleak | tee /dev/console | grep -c '^unreferenced object'
}

step_debug()
{
	local leaks
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
		leaks=$(suspected_leaks)
		check debug.no-leaks "$leaks objects are lost: $(sed -n 2p $CHECKERS/kmemleak)" \
			[ "$leaks" = 0 ]
	fi
	if [ -e $CHECKERS/kfence ]; then
		check debug.kfence-works "KFENCE is off: $(head -n 1 $CHECKERS/kfence/stats)" \
			grep -q '^enabled: 1$' $CHECKERS/kfence/stats
	fi
}
