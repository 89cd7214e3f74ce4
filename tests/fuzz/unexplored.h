/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libFuzzer must explore the code under test, not the fakes: those are included
 * between these two.
 */
#ifndef XPI_FUZZ_UNEXPLORED_H
#define XPI_FUZZ_UNEXPLORED_H

#ifdef __clang__
#define UNEXPLORED_BEGIN \
	_Pragma("clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)")
#define UNEXPLORED_END	_Pragma("clang attribute pop")
#else
#define UNEXPLORED_BEGIN
#define UNEXPLORED_END
#endif

#endif /* XPI_FUZZ_UNEXPLORED_H */
