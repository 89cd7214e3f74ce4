# SPDX-License-Identifier: GPL-2.0
# The default domains of devices in a PVH dom0: the command line selects their type as
# long as there are contexts, and an administrator may change it later.

# Print how many groups have type $1.
typed() { cat /sys/kernel/iommu_groups/*/type | grep -cx "$1"; }

# While nvme drives the disk, the disk's group may only change from DMA to DMA-FQ.
change_types()
{
	local t
	for t in DMA identity DMA-FQ identity DMA; do
		set_type "$EDU_A" $t || {
			fail domains.change "no change to $t: $(cat /tmp/set-type)"
			return
		}
		[ $t = identity ] || continue
		enable "$EDU_A"
		edu_reads_secret "$EDU_A" || {
			fail domains.change "in an identity domain the device does not read memory"
			return
		}
	done
	pass domains.change
	enable "$EDU_A"
	if edu_reads_secret "$EDU_A"; then
		fail domains.change-translates "in a DMA domain the device reads memory that is not mapped"
	else
		pass domains.change-translates
	fi
	if set_type "$NVME" "$1"; then
		fail domains.live-refused "the disk's group became $1 under its driver"
	else
		pass domains.live-refused
	fi
}

# Four contexts: two for default domains, two for VFIO.
few_contexts()
{
	check domains.few-translated "$(typed DMA-FQ) groups are translated, not 2" [ "$(typed DMA-FQ)" = 2 ]
	check domains.few-rest-identity "no group got an identity domain instead" \
		[ "$(typed identity)" -gt 0 ]
	check domains.few-logged "the kernel log does not say that the contexts are used up" said nr-ctx= identity
	vfio_works domains
}

# All groups must have type $1.
all_of_type()
{
	check domains.all "$(typed "$1") of $(groups) groups are $1" [ "$(typed "$1")" = "$(groups)" ]
}

step_domains()
{
	local want
	want=$(option xpi_digest)
	NVME=$(devices 1b36:0010)
	modprobe xpi_secret
	mark
	if ! modprobe xen-pv-iommu 2>/tmp/modprobe; then
		fail domains.modprobe "$(cat /tmp/modprobe) $(since_mark | tail -n 3)"
		return
	fi
	pass domains.modprobe
	since_mark
	list_groups
	check domains.groups "iommu_groups is empty" [ "$(groups)" -gt 0 ]
	check domains.disk-there "the NVMe disk did not appear" start_disk
	info "types: $(cat /sys/kernel/iommu_groups/*/type | sort | uniq -c | tr -s ' \n' ' ')"
	check domains.disk-reads-right "dom0 reads other bytes from the disk than the host" [ "$(disk_sum)" = "$want" ]
	case $(option xpi_suite) in
	strict) all_of_type DMA; change_types identity ;;
	identity) all_of_type identity; change_types DMA ;;
	lazy) few_contexts ;;
	esac
	check domains.disk-reads-right-after "at the end dom0 reads other bytes from the disk than the host" [ "$(disk_sum)" = "$want" ]
}
