# SPDX-License-Identifier: GPL-2.0
# Run the phases of the command line, TYPE/API+...: TYPE is the type to set for the edu
# device's group, or "own" to keep its type.

bench_phase()
{
	local type=$1 api=$2 name
	name=$(echo "$type-$api" | tr 'A-Z' 'a-z')
	if [ "$type" != own ]; then
		echo "$type" >"$PCI/$EDU_A/iommu_group/type"
		check "$name.type" "the group is $(cat "$PCI/$EDU_A/iommu_group/type")" \
			grep -qx "$type" "$PCI/$EDU_A/iommu_group/type"
	fi
	modprobe xpi_bench "device=$EDU_A" "api=$api" "name=$name" \
		$(option xpi_options | tr + ' ') || {
		fail "$name.load" "modprobe xpi_bench failed: $(dmesg | tail -n 1)"
		return
	}
	relay "$name" cat /sys/module/xpi_bench/parameters/results
	rmmod xpi_bench
}

# send_symbols MODULE NAMES: send the code addresses and names of the kernel ("") or of a
# module for the profile, compressed and printable. NAMES, separated by +, limits them:
# the kernel has many, and the serial port is slow.
send_symbols()
{
	awk -v module="$1" -v names="+$2+" '
		$2 ~ /^[tTwW]$/ && $4 == module && (names == "++" || index(names, "+" $3 "+")) {
			print $1, $2, $3
		}' /proc/kallsyms |
		gzip | base64 -w 800 | while read -r line; do
			info "symbols $line"
		done
}

step_symbols()
{
	send_symbols "" "$(option xpi_names)"
}

step_bench()
{
	local phase
	if [ -z "$(option xpi_bare)" ]; then
		modprobe xen-pv-iommu "batch=$(option xpi_batch)" || {
			fail driver.load "modprobe xen-pv-iommu failed: $(dmesg | tail -n 1)"
			return
		}
	fi
	for phase in $(option xpi_phases | tr + ' '); do
		bench_phase "${phase%/*}" "${phase#*/}"
	done
	[ -z "$(option xpi_profile)" ] || send_symbols "[xen_pv_iommu]"
}
