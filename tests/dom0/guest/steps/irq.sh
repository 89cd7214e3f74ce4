# SPDX-License-Identifier: GPL-2.0
# Interrupts through VFIO: each kind of each device, several devices at once,
# after resets, killed programs and the kernel's drivers.

IRQ_KILLS=3

# interrupts WORD: print the sum of all rows of /proc/interrupts that have the word
interrupts()
{
	awk -v word="$1" 'index($0, word) { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' \
		/proc/interrupts
}

vfio_interrupts() { grep -E 'vfio-(intx|msi)' /proc/interrupts; }
no_vfio_interrupts() { ! vfio_interrupts >/dev/null; }

irq_devices()
{
	IRQ_IGB=$(devices 8086:10c9)
	# The first controller is the disk with the programs.
	IRQ_NVME=$(nth 2 "$(devices 1b36:0010)")
	IRQ_CROWD=$(nth 3 "$(devices 1b36:0010)")
	IRQ_ALL="$EDU_A $EDU_B $IRQ_IGB $IRQ_NVME"
}

irq_bind()
{
	local d
	start_vfio
	for d in $IRQ_ALL $IRQ_CROWD; do
		bind_vfio "$d" || why "vfio-pci refuses $d: $(cat /tmp/bind)" || return 1
	done
}

# Both must share a line of INTx; otherwise the tests of sharing show nothing.
irq_line()
{
	relay irq-line vfio-irq line line "$EDU_A" "$EDU_B"
	check irq.line.one-line "the two edus have lines $(cat "$PCI/$EDU_A/irq") and $(cat "$PCI/$EDU_B/irq")" \
		[ "$(cat "$PCI/$EDU_A/irq")" = "$(cat "$PCI/$EDU_B/irq")" ]
}

start_victim()
{
	: >/tmp/victim
	vfio-irq victim victim "$@" >/tmp/victim 2>&1 &
	VICTIM=$!
	says 120 /tmp/victim running $VICTIM || why "it printed $(cat /tmp/victim)"
}

end_victim()
{
	[ -d /proc/$VICTIM ] || why "it exited by itself: $(cat /tmp/victim)" || return 1
	kill -9 $VICTIM
	wait $VICTIM
	[ $? = 137 ] || why "the signal did not kill it: $(cat /tmp/victim)" || return 1
	within 10 no_vfio_interrupts || why "after its end there is still: $(vfio_interrupts | head -n 1)"
}

# Kill programs whose devices are doing DMA.
irq_kill()
{
	local i
	for i in $(seq $IRQ_KILLS); do
		start_victim $IRQ_ALL || return 1
		vfio_interrupts >/dev/null || why "it has no interrupts" || return 1
		usleep $((i * 37000))
		end_victim || return 1
	done
}

# Programs do not disturb each other.
irq_alongside()
{
	start_victim "$IRQ_IGB" "$IRQ_NVME" && relay irq-alongside vfio-irq quick alongside "$EDU_A" "$EDU_B" && end_victim
}

# With its kernel driver the controller reads its disk, and the kernel counts interrupts.
# The driver probes the disk with DPDK at the same time, so either may be the first.
irq_nvme_driver()
{
	local name before
	unbind "$IRQ_NVME"
	modprobe nvme
	within 60 eval '[ -n "$(serial_disk 0)" ]' || why "the disk with DPDK did not appear" || return 1
	DISK=/dev/$(serial_disk 0)
	echo "$IRQ_NVME" >/sys/bus/pci/drivers_probe
	within 40 ls "$PCI/$IRQ_NVME"/nvme/nvme*/nvme*n1 >/dev/null 2>&1 || why "there is no disk" || return 1
	name=$(ls "$PCI/$IRQ_NVME/nvme")
	before=$(interrupts "${name}q")
	dd if="/dev/${name}n1" of=/dev/null bs=1M count=8 iflag=direct 2>/tmp/dd || why "$(cat /tmp/dd)" || return 1
	info "$name: $(interrupts "${name}q") interrupts after the read, $before before"
	[ "$(interrupts "${name}q")" -gt "$before" ] || why "no interrupt was counted"
}

# The same for a network card: an answer requires interrupts of both cards.
irq_igb_driver()
{
	local name before
	unbind "$IRQ_IGB"
	connect_igb "$IRQ_IGB" || why "igb has no interface" || return 1
	connect_e1000e "$(devices 8086:10d3)" || why "e1000e has no interface" || return 1
	before=$(interrupts eth)
	reaches_igb || why "$(what_the_cards_did)" || return 1
	info "cards: $(interrupts eth) interrupts after the ping, $before before"
	[ "$(interrupts eth)" -gt "$before" ] || why "no interrupt was counted" || return 1
	kill $IGB_SPACE
	unbind "$(devices 8086:10d3)"
}

irq_drivers()
{
	check_after irq.driver.nvme "cat /tmp/why" irq_nvme_driver
	check_after irq.driver.igb "cat /tmp/why" irq_igb_driver
	check_bind irq.driver.nvme-back "$IRQ_NVME"
	check_bind irq.driver.igb-back "$IRQ_IGB"
	relay irq-after-drivers vfio-irq quick after-drivers "$IRQ_IGB" "$IRQ_NVME"
}

irq_unbind()
{
	local d
	for d in $IRQ_ALL $IRQ_CROWD; do
		unbind "$d"
	done
}

step_irq()
{
	irq_devices
	mark
	check_after irq.bind "cat /tmp/why" irq_bind
	relay irq-whole-edu vfio-irq whole whole "$EDU_A"
	relay irq-whole-igb vfio-irq whole whole "$IRQ_IGB"
	relay irq-whole-nvme vfio-irq whole whole "$IRQ_NVME"
	irq_line
	relay irq-table-igb vfio-irq table with-igb "$IRQ_IGB" "$EDU_A"
	relay irq-table-nvme vfio-irq table with-nvme "$IRQ_NVME" "$EDU_B"
	relay irq-together vfio-irq together together $IRQ_ALL
	check_after irq.alongside "cat /tmp/why" irq_alongside
	check_after irq.killed "cat /tmp/why" irq_kill
	relay irq-after-kill vfio-irq quick after-kill $IRQ_ALL
	relay irq-crowd vfio-irq crowd crowd "$IRQ_CROWD"
	irq_drivers
	grep . /proc/interrupts
	since_mark | tail -n 60
	irq_unbind
}
