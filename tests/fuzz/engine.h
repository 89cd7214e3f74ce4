/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs the target with an input. libFuzzer calls LLVMFuzzerTestOneInput(); without
 * libFuzzer main() below does the same with random bytes. A target includes this
 * once.
 */
#ifndef XPI_FUZZ_ENGINE_H
#define XPI_FUZZ_ENGINE_H

#include "harness.h"
#include "input.h"

/* Defined by the target: run one input, which a failed CHECK may end. */
static void fuzz_one(void);
/* For the log: print how many inputs had an effect, without a newline. */
static HARNESS_UNUSED void fuzz_figures(void);

static uint64_t fuzz_inputs;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input_start(data, size);
	if (setjmp(harness_escape)) {
		printf("fuzz: input %" PRIu64 ": %s\n", fuzz_inputs,
		       harness_reason);
		fflush(stdout);
		abort();
	}
	fuzz_inputs++;
	fuzz_one();
	return 0;
}

#ifdef FUZZ_RANDOM
#include <signal.h>
#include <unistd.h>

/*
 *     fuzz SECONDS SEED DIR    random inputs; one that fails is left in DIR
 *     fuzz FILE...             run these inputs again
 * Input i depends on the seed and i alone.
 */
static uint8_t buf[4096];
static size_t len;
static char left[4096];

/* Called at any end of the program: asan, ubsan, abort(). */
static void leave_input(int sig)
{
	FILE *f = fopen(left, "w");

	if (f && fwrite(buf, 1, len, f) == len && !fclose(f))
		printf("fuzz: the input is in %s\n", left);
	fflush(stdout);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int again(const char *name)
{
	FILE *f = fopen(name, "r");

	if (!f) {
		fprintf(stderr, "fuzz: cannot read %s\n", name);
		return 1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	LLVMFuzzerTestOneInput(buf, len);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t seed, i, k;
	time_t end;

	if (argc != 4 || *argv[1] < '0' || *argv[1] > '9') {
		int rc = argc < 2;

		for (i = 1; i < (uint64_t)argc; i++)
			rc |= again(argv[i]);
		return rc;
	}
	end = time(NULL) + strtoul(argv[1], NULL, 0);
	seed = strtoull(argv[2], NULL, 0);
	snprintf(left, sizeof(left), "%s/crash-%" PRIx64, argv[3], seed);
	signal(SIGABRT, leave_input);
	for (i = 0; time(NULL) < end; i++) {
		harness_rnd_state = seed + i * 0x2545f4914f6cdd1dULL;
		len = 16 + rnd_below(sizeof(buf) - 16);
		for (k = 0; k < len; k++)
			buf[k] = rnd();
		LLVMFuzzerTestOneInput(buf, len);
	}
	printf("fuzz: %" PRIu64 " inputs, ", fuzz_inputs);
	fuzz_figures();
	printf("\n");
	return 0;
}
#endif /* FUZZ_RANDOM */

#endif /* XPI_FUZZ_ENGINE_H */
