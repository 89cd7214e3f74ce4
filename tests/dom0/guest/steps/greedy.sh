# SPDX-License-Identifier: GPL-2.0
# Two users of VFIO take all page tables that users may have, and keep them while
# the steps between greedy and sated show that the kernel's DMA goes on (Q1, C2).

# All but the reserve and what one map may need at once.
users_have_all()
{
	local limit reserve used
	limit=$(xen_has limit) reserve=$(xen_has reserve) used=$(xen_has tables)
	[ "$used" -ge $((limit - reserve - 8)) ] ||
		why "$used tables are in use of $limit, of which $reserve are the reserve"
}

step_greedy()
{
	take_edus greedy
	mark
	: >/tmp/hold
	: >/tmp/relay.greedy
	relay greedy vfio-greedy "$EDU_A" "$EDU_B" &
	GREEDY=$!
	check greedy.full "it says $(cat /tmp/relay.greedy)" says 600 /tmp/relay.greedy full $GREEDY
	check_after greedy.all-used "cat /tmp/why" users_have_all
	check greedy.driver-says-why "the log has no line of it" eval 'since_mark | grep -q "is out of page tables"'
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
