# SPDX-License-Identifier: GPL-2.0
# Two users of VFIO take all page tables that users may have, and keep them. Meanwhile
# the steps between greedy and sated check that the kernel's DMA works (Q1, C2).

# The users must have all but the reserve and 8 tables, which one map may need.
users_have_all()
{
	local limit reserve used
	limit=$(xen_has limit) reserve=$(xen_has reserve) used=$(xen_has tables)
	[ "$used" -ge $((limit - reserve - 8)) ] ||
		why "$used of $limit tables are in use; the reserve is $reserve"
}

step_greedy()
{
	take_edus greedy
	mark
	: >/tmp/hold
	: >/tmp/relay.greedy
	relay greedy vfio-greedy "$EDU_A" "$EDU_B" &
	GREEDY=$!
	check greedy.full "it printed $(cat /tmp/relay.greedy)" says 600 /tmp/relay.greedy full $GREEDY
	check_after greedy.all-used "cat /tmp/why" users_have_all
	check greedy.driver-logs-why "the log has no line about it" eval 'since_mark | grep -q "is out of page tables"'
	tell_counters "while users have all"
}

step_sated()
{
	check greedy.held "it has ended before" [ -d /proc/$GREEDY ]
	rm /tmp/hold
	wait $GREEDY
	tell_counters "after the users"
	unbind "$EDU_A"
	unbind "$EDU_B"
}
