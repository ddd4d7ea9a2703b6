/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Executing one instruction in place of the processor: for memory that is not there
 * (MMIO), for what a hypervisor intercepts and must do itself, for the forced-emulation
 * prefix, and where the processor cannot run the guest at all.
 *
 * Nothing is ever half done. An instruction works on a copy of the state, and what it
 * writes to memory is kept back. If user space must answer a read first, x86_execute()
 * returns X86_IO, and when it is called again the instruction is executed from its
 * beginning, with the answers served from a log. When all is known the writes are made,
 * those to MMIO by X86_IO one after the other, and then the state is replaced.
 */
#pragma once

#include "decode.h"
#include "event.h"
#include "ops.h"
#include "walk.h"

#define EXEC_READS 56		/* answers: FXRSTOR needs most, 52 of 8 bytes */
#define EXEC_WRITES 72		/* FXSAVE needs most, 52 of 8 bytes */

/* A read that user space, or a device in the kernel, has answered. */
struct exec_read {
	u64 address;
	u8 size;
	bool port, answered;
	u8 data[8];
};

/* A write that is kept back. */
struct exec_write {
	u64 address;		/* guest-physical, or a port */
	u8 size;
	bool port;
	bool locked;		/* only if memory still holds old */
	u8 data[16], old[16];	/* 16 bytes: CMPXCHG16B, locked */
};

struct x86_exec {
	const struct x86_env *env;
	struct x86_state *state;	/* the vCPU's: replaced when the instruction is done */
	struct x86_state s;		/* the copy it works on */
	u8 *fpu_image;			/* the vCPU's, as of FXSAVE; NULL: no x87 and SSE here */
	u8 fpu[512];			/* the copy it works on */
	bool fpu_taken;			/* that copy has been made, and replaces the image */
	u8 *ymm_image;			/* 16 upper halves of 16 bytes; NULL: no AVX here */
	u8 ymm[256];			/* the same for these */
	bool ymm_taken;

	struct x86_insn insn;
	u64 next_rip;
	u64 offset;			/* of an operand that was read and will be written */
	bool offset_known;
	bool stay;			/* a REP instruction goes on: RIP stays on it */
	bool no_trap;			/* the instruction inhibits the single-step trap */
	bool keep_rf;			/* IRET has loaded RF */
	u8 shadow;			/* X86_SHADOW_* that the instruction leaves */
	const u64 *breakpoints;		/* a debugger's DR0 to 3, DR7; NULL: the state's own */
	u64 trap;			/* with X86_OK: bits of DR6, if #DB follows; else 0 */

	struct x86_fault fault;		/* with X86_FAULT */
	bool late;			/* with it: *state is a new task's, which raises it */
	struct {			/* x86_exec_begin_task() */
		bool wanted, has_error, external;
		u16 selector;
		u64 rip;
		u32 error;
	} task;
	struct x86_event event;		/* x86_exec_begin_event(), if it is valid */
	struct x86_io io;		/* with X86_IO: what user space must do; it fills io.data */

	struct exec_read reads[EXEC_READS];
	unsigned int answered, asked;	/* reads in the log, and those this pass has used */
	struct exec_write writes[EXEC_WRITES];
	unsigned int kept, made;	/* writes of this pass, and those already made */
	u8 locked_old[16];		/* what EXEC_LOCKED has read */
	bool waiting;			/* io is with user space */
	bool committing;
	bool begun;			/* a write has been made: there is no way back */
	bool exclusive;			/* no other processor runs: until this pass ends */
};

/* ---- for the owner ----------------------------------------------------------------- */

/* Begins with the next instruction; state, env and fpu are set. Forgets all logs. */
void x86_exec_begin(struct x86_exec *x);

/*
 * Begins with a switch to another task instead, for an event whose gate in the IDT is a task
 * gate. selector: the TSS's, in the gate. rip: where the old task goes on. The error code,
 * if the event has one, goes to the new stack. external: it is no INT n, INT3 or INTO.
 */
void x86_exec_begin_task(struct x86_exec *x, u16 selector, u64 rip, const u32 *error,
			 bool external);

/*
 * Begins with the delivery of an event instead, as x86_events_next() chose it: RIP is what it
 * pushes. What the delivery itself raises is `fault` of X86_FAULT, and *state is as before but
 * for `late`: after an INT n that is still behind the instruction.
 */
void x86_exec_begin_event(struct x86_exec *x, const struct x86_event *event);

/*
 * Bits of DR6 if a breakpoint on instructions is met at CS:RIP, before anything of the
 * instruction is done (SDM 3 17.3.1.1); else 0.
 */
u64 x86_exec_breakpoints(struct x86_exec *x);

/*
 * Executes the instruction at CS:RIP. X86_OK: done, *state is what comes after it. X86_FAULT:
 * `fault` is what it raises, and *state is as before but for `late`. X86_IO: `io` is for user
 * space; when answered, call again (for a read with io.data filled). Others: see enum x86_result;
 * *state is as before.
 */
enum x86_result x86_execute(struct x86_exec *x);

/*
 * As if the instruction at CS:RIP had been begun, and io, its one access to something that is
 * no RAM, were with user space. A read: it is executed from its beginning when the answer is
 * there, for the state may have been changed. A write: it has been executed, and changes
 * nothing but RIP, to next_rip.
 */
void x86_exec_asked(struct x86_exec *x, const struct x86_io *io, u64 next_rip);

/*
 * Whether the instruction has begun, and must be completed by calling x86_execute() again:
 * an answer is awaited, a device has answered, or writes have been made.
 */
bool x86_exec_waits(const struct x86_exec *x);

/*
 * Length of the instruction at CS:RIP, for processors that do not tell. X86_FAULT: it
 * cannot be fetched. X86_UNIMPLEMENTED: the bytes are none.
 */
enum x86_result x86_instruction(struct x86_exec *x);

/* ---- for the executors (exec_*.c) --------------------------------------------------------- */

/* Each executes x->insn on x->s. RIP is already the next instruction's. */
typedef enum x86_result x86_executor(struct x86_exec *x);

/* Fill x->fault and return X86_FAULT. */
enum x86_result exec_fault(struct x86_exec *x, enum x86_vector vector);
enum x86_result exec_fault_code(struct x86_exec *x, enum x86_vector vector, u32 error);
enum x86_result exec_ud(struct x86_exec *x);
enum x86_result exec_gp0(struct x86_exec *x);

#define EXEC_WRITE X86_ACCESS_WRITE
#define EXEC_RMW 32u		/* a read of what will be written: rights as for a write */
#define EXEC_SYSTEM X86_ACCESS_IMPLICIT
#define EXEC_LOCKED 64u

/*
 * Memory by segment and offset, with every check of segmentation and paging (#GP, #SS,
 * #PF, #AC). size is 1 to 16 bytes; the offset is cut to the address size by the caller.
 */
enum x86_result exec_read(struct x86_exec *x, enum x86_seg_name segment, u64 offset, void *data,
			  unsigned int size, unsigned int access);
enum x86_result exec_write(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
			   const void *data, unsigned int size, unsigned int access);
/* The same by linear address, for tables: no segmentation. */
enum x86_result exec_read_linear(struct x86_exec *x, u64 linear, void *data, unsigned int size,
				 unsigned int access);
enum x86_result exec_write_linear(struct x86_exec *x, u64 linear, const void *data,
				  unsigned int size, unsigned int access);
/* Only the checks of segmentation: the linear address. */
enum x86_result exec_linear(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
			    unsigned int size, unsigned int access, u64 *linear);

/* #PF, #SS and so on as a write would raise them, and nothing else. */
enum x86_result exec_probe_write(struct x86_exec *x, enum x86_seg_name segment, u64 offset,
				 unsigned int size);

/*
 * What DR7 watches of `size` bytes from a linear address or port on joins x->trap (SDM 3
 * 17.2.4). how: WATCH_*.
 */
#define WATCH_WRITE 1u
#define WATCH_PORT 2u
#define WATCH_READ 3u
void exec_watch(struct x86_exec *x, u64 address, unsigned int size, unsigned int how);

/* Ports. The caller has checked that they are allowed. */
enum x86_result exec_in(struct x86_exec *x, u16 port, void *data, unsigned int size);
enum x86_result exec_out(struct x86_exec *x, u16 port, const void *data, unsigned int size);
/* IOPL and the TSS's bitmap (SDM 1 19.5): #GP(0) if the port is not for this CPL. */
enum x86_result exec_check_port(struct x86_exec *x, u16 port, unsigned int size);

/* Registers as an instruction names them: a byte register may be AH to BH. */
u64 exec_get_reg(const struct x86_exec *x, unsigned int reg, unsigned int size);
void exec_set_reg(struct x86_exec *x, unsigned int reg, unsigned int size, u64 value);
/* Changes only the register's low `size` bytes, even where 4 would clear the upper half. */
void exec_merge_reg(struct x86_exec *x, unsigned int reg, unsigned int size, u64 value);

/* Offset of the memory operand, cut to the address size. */
u64 exec_offset(const struct x86_exec *x);
/* The operand at a place: registers, memory, immediate. access: EXEC_RMW, EXEC_LOCKED. */
enum x86_result exec_get(struct x86_exec *x, enum x86_place place, unsigned int size,
			 unsigned int access, u64 *value);
enum x86_result exec_put(struct x86_exec *x, enum x86_place place, unsigned int size,
			 unsigned int access, u64 value);

/* The stack, of the stack segment's size (SDM 1 6.2.3); size: 2, 4 or 8 bytes. */
enum x86_result exec_push(struct x86_exec *x, u64 value, unsigned int size);
enum x86_result exec_pop(struct x86_exec *x, u64 *value, unsigned int size);
/* Width of the stack pointer in bytes. */
unsigned int exec_stack_size(const struct x86_exec *x);

/* A near branch: cuts the target to `size` bytes and checks it (#GP(0)). */
enum x86_result exec_branch(struct x86_exec *x, u64 target, unsigned int size);

/* Numbers of `size` bytes. */
static inline u64 exec_mask(unsigned int size)
{
	return size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
}

static inline u64 exec_sign_bit(unsigned int size)
{
	return 1ull << (8 * size - 1);
}

static inline s64 exec_signed(u64 value, unsigned int size)
{
	unsigned int unused = 64 - 8 * size;

	return (s64)(value << unused) >> unused;
}

static inline void exec_flag(struct x86_exec *x, u64 flag, bool set)
{
	x->s.rflags = set ? x->s.rflags | flag : x->s.rflags & ~flag;
}

/* The executors by operation, one table for each file. NULL: not there. */
extern x86_executor *const exec_table[OPS];
