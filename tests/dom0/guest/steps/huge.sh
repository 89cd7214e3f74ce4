# SPDX-License-Identifier: GPL-2.0
# Hugepages, which exist in a PVH dom0 only.

HUGEPAGES=64
EVENTS=/sys/kernel/tracing

get_hugepages()
{
	echo $HUGEPAGES >/proc/sys/vm/nr_hugepages
	info "hugepages $(meminfo HugePages_Total) of $HUGEPAGES"
	[ "$(meminfo HugePages_Total)" -ge 48 ]
}

# Trace calls of iommu_map(), one line each.
trace_maps()
{
	[ -e $EVENTS/trace ] || mount -t tracefs tracefs $EVENTS || return 1
	echo >$EVENTS/trace && echo 1 >$EVENTS/events/iommu/map/enable
}

traced_maps() { grep -c ' map: IOMMU:' $EVENTS/trace; }

# A call of iommu_map() must be one hypercall, even if it maps many hugepages.
count_maps()
{
	local before maps calls
	if [ ! -r $COUNTERS ]; then
		relay huge vfio-huge "$1"
		skip huge.one-hypercall-a-map "this driver has no counters in $COUNTERS"
		return
	fi
	check huge.trace "there is no event iommu:map" trace_maps
	before=$(counter map_calls)
	relay huge vfio-huge "$1"
	echo 0 >$EVENTS/events/iommu/map/enable
	maps=$(traced_maps)
	calls=$(($(counter map_calls) - before))
	info "calls of iommu_map $maps, hypercalls that map $calls"
	check huge.one-hypercall-a-map "$maps calls made $calls hypercalls" \
		[ "$maps" -gt 0 -a "$calls" -gt 0 -a "$calls" -le "$maps" ]
}

step_huge()
{
	start_vfio
	check_after huge.there "echo the kernel has \$(meminfo HugePages_Total)" get_hugepages
	check_bind huge.bind "$EDU_A"
	tell_counters "before hugepages"
	count_maps "$EDU_A"
	check huge.all-freed "$(meminfo HugePages_Free) of $(meminfo HugePages_Total) are free" \
		[ "$(meminfo HugePages_Free)" = "$(meminfo HugePages_Total)" ]
	tell_counters "after hugepages"
	unbind "$EDU_A"
}
