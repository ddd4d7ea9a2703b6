/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Borrowing the processor's x87 and XMM registers from whom they belong to. Of its own, and not in
 * port.h, because the kernel's header brings macros that other code has other meanings for.
 */
#pragma once

#include "port.h"

#ifdef __KERNEL__

#include <asm/fpu/api.h>

/* The compiler has no use for XMM registers in the kernel, and does not know them. */
#define PORT_XMM_CLOBBERED

/* The same for XMM registers, which may be changed up to the end. */
static inline void port_sse_begin(void)
{
	kernel_fpu_begin_mask(KFPU_MXCSR);
}

static inline void port_sse_end(void)
{
	kernel_fpu_end();
}

struct port_x87 {
};

/*
 * From here on nothing may sleep or fault; the task's own registers are safe. They are
 * initialized: FRSTOR would wait for an exception that is pending in them.
 */
static inline void port_x87_begin(struct port_x87 *own)
{
	kernel_fpu_begin_mask(KFPU_387);
}

static inline void port_x87_end(const struct port_x87 *own)
{
	kernel_fpu_end();
}

#else

#define PORT_XMM_CLOBBERED , "xmm0", "xmm1"

static inline void port_sse_begin(void)
{
}

static inline void port_sse_end(void)
{
}

/* The program's own x87 registers, as FNSAVE has them; XMM registers are not touched. */
struct port_x87 {
	u8 saved[108];
};

static inline void port_x87_begin(struct port_x87 *own)
{
	__asm__ volatile("fnsave %0" : "=m"(*own));
}

static inline void port_x87_end(const struct port_x87 *own)
{
	__asm__ volatile("frstor %0" : : "m"(*own));
}

#endif
