/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the executor share with each other, and nobody else needs: the
 * executors, which exec_table.c puts in their places.
 */
#pragma once

#include "exec.h"

/* exec_alu.c */
x86_executor exec_arithmetic, exec_unary, exec_shift, exec_double_shift, exec_multiply,
	exec_multiply_short, exec_divide, exec_bit, exec_scan, exec_popcnt, exec_crc32, exec_bswap,
	exec_decimal, exec_cbw, exec_cwd, exec_flags_ah, exec_carry;

/* Flags of a - b; a + b with its flags. */
void exec_compare(struct x86_exec *x, u64 a, u64 b, unsigned int size);
u64 exec_add_flags(struct x86_exec *x, u64 a, u64 b, unsigned int size);
