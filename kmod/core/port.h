/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place in core/ that knows what it is built into: the kernel module, or a
 * program (unit tests, fuzzers). It gives fixed-width types, memcpy() and its like,
 * static_assert and nothing else; core/ has no other needs, but for port_x87.h.
 */
#pragma once

#ifdef __KERNEL__

#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

#else

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* As the kernel has it: C11's own wants a message. */
#undef static_assert
#define static_assert(condition) _Static_assert(condition, #condition)

#define noinline __attribute__((noinline))
#ifndef __always_inline		/* some libraries have it */
#define __always_inline inline __attribute__((always_inline))
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
