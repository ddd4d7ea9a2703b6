/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From bytes to a description of one instruction: its length, operation, operands and
 * prefixes. The decoder knows the length of everything (for a hypervisor whose
 * processor does not tell where the next instruction begins), and the operands of what
 * core/ executes. It reads no guest state and decides nothing (SDM 2 chapter 2 and
 * appendix A, APM 3 chapter 1 and appendix A).
 */
#pragma once

#include "x86.h"

#define X86_INSN_MAX 15		/* bytes; a longer one is #GP (SDM 2 2.3.11) */

/* What an instruction does. Those of one group stand in the order of ModRM.reg. */
enum x86_op {
	OP_INVALID,		/* #UD */
	OP_OTHER,		/* exists, has a length, and is not for this executor */
	OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_TEST, OP_NOT, OP_NEG, OP_MUL, OP_IMUL, OP_DIV, OP_IDIV,
	OP_IMUL2, OP_IMUL3,
	OP_INC, OP_DEC, OP_PUSH, OP_POP, OP_PUSHA, OP_POPA, OP_PUSHF, OP_POPF,
	OP_MOV, OP_MOVZX8, OP_MOVZX16, OP_MOVSX8, OP_MOVSX16, OP_MOVSXD, OP_MOVBE, OP_MOVNTI,
	OP_MOV_SREG, OP_MOV_TO_SREG, OP_MOV_CR, OP_MOV_TO_CR, OP_MOV_DR, OP_MOV_TO_DR,
	OP_LEA, OP_LDS, OP_LES, OP_LSS, OP_LFS, OP_LGS, OP_PUSH_SREG, OP_POP_SREG,
	OP_XCHG, OP_XADD, OP_CMPXCHG, OP_CMPXCHG8B, OP_BSWAP, OP_XLAT,
	OP_BT, OP_BTS, OP_BTR, OP_BTC, OP_BSF, OP_BSR, OP_SHLD, OP_SHRD, OP_POPCNT, OP_TZCNT,
	OP_LZCNT, OP_CRC32,
	OP_CBW, OP_CWD, OP_LAHF, OP_SAHF, OP_SALC,
	OP_AAA, OP_AAS, OP_AAM, OP_AAD, OP_DAA, OP_DAS, OP_ARPL, OP_BOUND,
	OP_CMC, OP_CLC, OP_STC, OP_CLI, OP_STI, OP_CLD, OP_STD,
	OP_MOVS, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS, OP_IN, OP_OUT,
	OP_JCC, OP_SETCC, OP_CMOVCC, OP_JCXZ, OP_LOOP, OP_LOOPE, OP_LOOPNE,
	OP_JMP, OP_CALL, OP_RET, OP_JMP_FAR, OP_CALL_FAR, OP_RET_FAR, OP_IRET,
	OP_INT, OP_INT3, OP_INTO, OP_INT1, OP_ENTER, OP_LEAVE,
	OP_NOP, OP_PAUSE, OP_HLT, OP_WAIT, OP_UD,
	OP_SLDT, OP_STR, OP_LLDT, OP_LTR, OP_VERR, OP_VERW,
	OP_SGDT, OP_SIDT, OP_LGDT, OP_LIDT, OP_SMSW, OP_LMSW, OP_INVLPG,
	OP_LAR, OP_LSL, OP_CLTS, OP_INVD, OP_WBINVD, OP_RDMSR, OP_WRMSR, OP_RDTSC, OP_RDTSCP,
	OP_RDPMC, OP_CPUID, OP_SYSCALL, OP_SYSRET, OP_SYSENTER, OP_SYSEXIT, OP_SWAPGS,
	OP_RDFSBASE, OP_RDGSBASE, OP_WRFSBASE, OP_WRGSBASE, OP_INVPCID,
	OP_VMCALL, OP_VMMCALL, OP_VMX, OP_SVM, OP_CLAC, OP_STAC, OP_MONITOR, OP_MWAIT,
	OP_XGETBV, OP_XSETBV, OP_RDPKRU, OP_WRPKRU, OP_CLFLUSH, OP_FENCE, OP_PREFETCH,
	OP_RSM, OP_X87, OP_FXSAVE, OP_FXRSTOR, OP_LDMXCSR, OP_STMXCSR, OP_XSAVE, OP_XRSTOR,
	OP_RDPID,
	OP_SSE_MOVE,		/* a move of an XMM or MMX register: see the opcode and prefix */
	OP_SSE,			/* arithmetic of XMM registers, the same */
	OP_EMMS,
	OP_VEX,			/* VEX, EVEX or XOP encoded */
	OPS
};

/* Where an operand is. */
enum x86_place {
	AT_NONE,
	AT_RM,			/* register or memory, by ModRM.rm */
	AT_MEM,			/* the same; a register is #UD */
	AT_REG,			/* general register, by ModRM.reg */
	AT_ACC,			/* AL, AX, EAX, RAX */
	AT_LOW,			/* general register, by the opcode's low three bits */
	AT_SREG,		/* segment register, by ModRM.reg or insn.number */
	AT_CREG,		/* control or debug register, by ModRM.reg */
	AT_OFFSET,		/* memory at an address in the instruction */
	AT_IMM,
	AT_ONE,			/* the constant 1 */
	AT_CL,
	AT_DX,
	AT_RM_REG		/* ModRM.rm, a register whatever ModRM.mod says */
};

enum x86_map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_3DNOW, MAP_VEX };

/* What the processor's mode means for decoding. */
struct x86_decode_mode {
	u8 bits;		/* 16, 32 or 64: of the code segment */
	bool vex;		/* VEX and EVEX exist: not in real and virtual-8086 mode */
	bool amd;		/* see x86_env: 66h before near branches, LOCK before MOV CR0 */
};

struct x86_insn {
	u8 op;			/* enum x86_op */
	u8 map, opcode;		/* enum x86_map */
	u8 length;		/* bytes */
	u8 dst, src;		/* enum x86_place */
	u8 size;		/* of the operands in bytes: 1, 2, 4 or 8 */
	u8 operand_size;	/* 2, 4 or 8: by prefixes and mode, also where size is 1 */
	u8 address_size;	/* 2, 4 or 8 */
	u8 rex;			/* 0x40 to 0x4f, or 0 */
	u8 repeat;		/* 0xf2, 0xf3 or 0: the last one counts */
	bool lock, operand_prefix;
	bool lockable;		/* the operation takes LOCK, if its destination is memory */
	bool segment_override;
	u8 segment;		/* enum x86_seg_name: of the memory operand, defaults included */
	u8 number;		/* condition, or segment register, that the opcode itself names */
	bool has_modrm, memory;	/* memory: a memory operand by ModRM */
	u8 modrm;
	u8 reg, rm;		/* with REX */
	bool evex;		/* of OP_VEX: EVEX or XOP, and nothing of what follows */
	u8 vex_map, vex_prefix;	/* VEX.mmmmm, VEX.pp */
	u8 vex_reg;		/* VEX.vvvv, not inverted: 0 also if there is none */
	bool vex_long;		/* VEX.L */
	u8 base, index, scale;	/* of the memory operand; X86_GPRS: none; scale 0 to 3 */
	bool rip_relative;
	s64 displacement;	/* sign-extended; offset for AT_OFFSET */
	u64 immediate;		/* sign-extended to 64 bits where the instruction does */
	u16 immediate2;		/* ENTER's level, a far pointer's selector */
};

enum x86_decoded {
	DECODE_OK,
	DECODE_SHORT,		/* more bytes are needed than there are */
	DECODE_INVALID,		/* #UD; the length says what was read */
	DECODE_LONG		/* more than X86_INSN_MAX bytes: #GP(0) */
};

/* Decodes the instruction that begins at bytes, of which `available` can be read. */
enum x86_decoded x86_decode(struct x86_insn *insn, const u8 *bytes, unsigned int available,
			    const struct x86_decode_mode *mode);
/* The mode that a state decodes in, on a processor of AMD's or of Intel's. */
struct x86_decode_mode x86_decode_mode(const struct x86_state *s, bool amd);

/* ---- the tables (opcodes.c), for the decoder alone ------------------------------------ */

/* What follows the opcode (and ModRM, and displacement). */
enum x86_imm { IMM_NONE, IMM_8, IMM_16, IMM_Z, IMM_V, IMM_ENTER, IMM_FAR, IMM_REL8, IMM_REL,
	       IMM_OFFSET, IMM_8_8 };

#define OPCODE_MODRM 0x0001u
#define OPCODE_BYTE 0x0002u	/* operands of one byte */
#define OPCODE_LOCK 0x0004u	/* LOCK is legal with a memory destination */
#define OPCODE_D64 0x0008u	/* in 64-bit mode 8 bytes, or 2 with 66h */
#define OPCODE_F64 0x0010u	/* in 64-bit mode 8 bytes (near branches) */
#define OPCODE_I64 0x0020u	/* not in 64-bit mode */
#define OPCODE_GROUP 0x0040u	/* op is a group: ModRM.reg chooses */
#define OPCODE_WORD 0x0080u	/* operands of two bytes */
#define OPCODE_CREG 0x0100u	/* control and debug registers: 8 bytes in 64-bit mode, else 4 */
#define OPCODE_O64 0x0200u	/* only in 64-bit mode */

struct x86_opcode {
	u8 op;			/* enum x86_op, or enum x86_group */
	u8 dst, src;		/* enum x86_place */
	u8 imm;			/* enum x86_imm */
	u8 number;
	u16 flags;		/* OPCODE_* */
};

enum x86_group {
	GROUP_1_BYTE, GROUP_1, GROUP_1_SHORT, GROUP_1A, GROUP_2_IMM_BYTE, GROUP_2_IMM,
	GROUP_2_ONE_BYTE, GROUP_2_ONE, GROUP_2_CL_BYTE, GROUP_2_CL, GROUP_3_BYTE, GROUP_3,
	GROUP_4, GROUP_5, GROUP_6, GROUP_7, GROUP_8, GROUP_9, GROUP_11_BYTE, GROUP_11,
	GROUP_15, GROUPS
};

extern const struct x86_opcode x86_opcodes_one[256];
extern const struct x86_opcode x86_opcodes_0f[256];
extern const struct x86_opcode x86_groups[GROUPS][8];
