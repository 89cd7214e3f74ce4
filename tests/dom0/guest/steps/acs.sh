# SPDX-License-Identifier: GPL-2.0
# A PVH dom0 whose ports lose their state, as in D3cold or in a reset. Xen has turned
# on their access control services. A kernel that does not request them does not turn
# them on again (packaging/linux has the patch). The driver does so when VFIO opens a
# device below.

# ports_have PARAMETER...: print the services of each port, as words "ADDRESS=CONTROL"
ports_have()
{
	mark
	modprobe xpi_acs "$@"
	since_mark | sed -n 's/.*xpi_acs: \(.*\) has \(.*\)/\1=\2/p' | tr '\n' ' '
	rmmod xpi_acs
}

# The port above a device, and its services in the output of ports_have.
port_of() { basename "$(dirname "$(readlink -f "$PCI/$1")")"; }
control_of() { echo "$2" | tr ' ' '\n' | sed -n "s/^$(port_of "$1")=//p"; }

has_any() { case $(control_of "$@") in "" | 0x0) false ;; esac; }

# restored NAME DEVICE STATE: the services of its port are on again, and the log says so
restored()
{
	check "$1" "the port above $2 has $(control_of "$2" "$3") on, it had $(control_of "$2" "$BEFORE")" \
		[ "$(control_of "$2" "$3")" = "$(control_of "$2" "$BEFORE")" ]
	check "$1.logged" "the log has no such message about $(port_of "$2")" \
		sh -c "dmesg | grep -F '$(port_of "$2")' | grep -q 'access control was lost .* on again, for $2'"
}

step_acs()
{
	local lost after
	check_after acs.modprobe "cat /tmp/modprobe" sh -c 'modprobe xen-pv-iommu 2>/tmp/modprobe'
	list_groups
	BEFORE=$(ports_have)
	info "at first: $BEFORE"
	check acs.on-at-first "the port above $EDU_A has nothing on: $BEFORE" has_any "$EDU_A" "$BEFORE"
	check acs.apart "$EDU_A and $EDU_B are one group" [ "$(group_of "$EDU_A")" != "$(group_of "$EDU_B")" ]
	lost=$(ports_have lose=1)
	info "after they lost it: $lost"
	vfio_works acs
	after=$(ports_have)
	info "after VFIO had them: $after"
	if [ "$lost" = "$BEFORE" ]; then
		skip acs.restored "this kernel turns them on again by itself"
		return
	fi
	restored acs.restored-first "$EDU_A" "$after"
	restored acs.restored-second "$EDU_B" "$after"
}
