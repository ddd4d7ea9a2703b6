/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits of the processor, as opposed to those of the KVM ABI: their names, what they
 * tell, where they are read from, and whether they are those that a case expects.
 *
 * hwexit_names.c has the names of both vendors, hwexit_text.c the fields, hwexit_judge.c
 * the comparison. There are two sources: hwexit_mapped.c has the ring that a target of
 * Assay's own maps, hwexit_trace.c the tracepoint of stock KVM. hwexit.c joins them to the
 * engine: only that one knows cases, and only the sources know where exits come from.
 */
#pragma once

#include "util.h"

#define HWEXITS_KEPT 32		/* the last exits of a case, for its failure */
#define HWEXITS_STEP 64		/* the last exits of a step, for its expect_hw */
#define HWEXIT_TEXT 120
#define HWEXIT_NAME 32

/* Who the processor's maker is, as the tracepoint says it; other values are unknown. */
enum hwexit_isa {
	HWEXIT_VMX = 1,
	HWEXIT_SVM = 2,
};

/* One exit. What info1, info2 and intr_info are depends on the maker. */
struct hwexit {
	u32 isa;		/* enum hwexit_isa, or what else the kernel says */
	u32 reason;		/* VMX: the field "exit reason"; SVM: EXITCODE, low 32 bits */
	u64 rip;		/* of the guest, at the exit */
	u64 info1;		/* VMX: exit qualification; SVM: EXITINFO1 */
	u64 info2;		/* VMX: IDT-vectoring information; SVM: EXITINFO2 */
	u32 intr_info;		/* VMX: VM-exit interruption information; SVM: EXITINTINFO */
	u32 error_code;		/* the error code belonging to intr_info */
};

/* ---- names (hwexit_names.c) ----------------------------------------------------- */

/* Vectors and EXITINFO1 that a name does not care about. */
#define HWEXIT_ANY 0xffffffffu

/*
 * The name of the exit's reason after that maker's manual ("ept_violation", "ioio"),
 * NULL where it is reserved or the maker unknown. It may be in the buffer.
 */
const char *hwexit_name(const struct hwexit *exit, char name[HWEXIT_NAME]);

enum hwexit_fit {
	HWEXIT_FITS,
	HWEXIT_FITS_NOT,
	HWEXIT_NOT_ITS_NAME,	/* the name is another maker's: it says nothing here */
};

/*
 * Whether the exit is what the name of len bytes says: a word for both makers ("io"), a
 * maker's own name ("ept_violation"), or one with the maker before it ("vmx.invd").
 */
enum hwexit_fit hwexit_is(const struct hwexit *exit, const char *name, size_t len);
/* Whether any maker has a name like that. */
bool hwexit_name_known(const char *name, size_t len);
/* The names of "NAME|NAME" one by one, which begin at *at = 0; false past the last. */
bool hwexit_next_name(const char *names, size_t bytes, size_t *at, const char **name, size_t *len);
/* The words for both makers in order, NULL past the last. */
const char *hwexit_word(unsigned int i);

/* ---- what an exit tells (hwexit_text.c) ------------------------------------------- */

/* A port access, from the qualification (SDM 3 table 28-5, APM 2 15.10.2). */
struct hwexit_io {
	u16 port;
	u8 size;		/* bytes: 1, 2, 4 */
	bool in, string, rep;
};

/* False if the exit is none. */
bool hwexit_io(const struct hwexit *exit, struct hwexit_io *io);
/* The vector of an intercepted exception or NMI, or -1. */
int hwexit_vector(const struct hwexit *exit);
/* "ioio port=0x10 size=1 out": the name and the fields that common reasons have. */
void hwexit_describe(const struct hwexit *exit, char text[HWEXIT_TEXT]);

/* ---- sources ------------------------------------------------------------------------ */

/* What the hypervisor was told to do, as far as it decides about exits. */
struct hwexit_config {
	bool known;		/* false: nothing below is */
	bool nested;		/* paging of the guest's memory is the processor's (EPT, NPT) */
	bool unrestricted;	/* code without paging runs on the processor */
};

/* Exits that nobody will see; a source adds to it. */
struct hwexit_missed {
	u64 lost;		/* there was no room for them: any, the newest too */
	u64 overrun;		/* older than all that can still be taken: overwritten */
};

struct hwexit_source;

struct hwexit_source_ops {
	/*
	 * Before each KVM_RUN, with the vCPU's mapped ring: exits of that vCPU are seen from
	 * here on. *config is what the ring says. False if it cannot be read: *why is one
	 * line (freed by the caller). NULL if the source has no use for it.
	 */
	bool (*aim)(struct hwexit_source *source, const void *ring, struct hwexit_config *config,
		    char **why);
	/* Exits are seen between the two. */
	void (*start)(struct hwexit_source *source);
	void (*stop)(struct hwexit_source *source);
	/*
	 * Takes the oldest exit that was not yet taken; false if there is none. Costs no
	 * call of the kernel. The vCPU aimed at must still be there.
	 */
	bool (*next)(struct hwexit_source *source, struct hwexit *exit,
		     struct hwexit_missed *missed);
	void (*close)(struct hwexit_source *source);
};

struct hwexit_source {
	const struct hwexit_source_ops *ops;
};

/* ---- the ring beside kvm_run (hwexit_mapped.c) ---------------------------------------- */

struct hwexit_source *hwexit_open_mapped(void);
/* Whether a mapped ring is of the version known here; else false with one line in *why. */
bool hwexit_mapped_check(const void *ring, char **why);

/* ---- the tracepoint (hwexit_trace.c) ------------------------------------------------ */

/*
 * Opens the tracepoint for the calling thread and the vCPUs that it runs. NULL if it
 * cannot be, with one line in *why (freed by the caller) that says what is missing and
 * what to do.
 */
struct hwexit_source *hwexit_open_trace(char **why);

/* Where the tracepoint has its fields: offsets in bytes from the record's begin. */
struct hwexit_format {
	struct {
		unsigned int offset, size;	/* size 0: there is no such field */
	} reason, rip, isa, info1, info2, intr_info, error_code;
};

/*
 * Reads the text of a tracepoint's file "format". False, with the name of the field in
 * *missing, if there is none of reason, RIP, isa or info1, or one has an unheard-of size.
 */
bool hwexit_parse_format(const char *text, struct hwexit_format *format, const char **missing);

/* Takes a record of that format apart; false if it ends before its fields do. */
bool hwexit_parse_record(const struct hwexit_format *format, const u8 *record, size_t bytes,
			 struct hwexit *exit);

/* A ring as perf_event_open(2) describes it: head and tail count bytes without end. */
struct hwexit_ring {
	const u8 *data;
	u64 size;		/* bytes, a power of two */
	u64 head, tail;
};

/*
 * Takes exits from the ring until one is found; false if none is. A record that cannot be
 * one counts as lost, with all that is behind it, as does what the kernel says it lost.
 */
bool hwexit_ring_next(struct hwexit_ring *ring, const struct hwexit_format *format,
		      struct hwexit *exit, u64 *lost);

/* ---- judging (hwexit_judge.c) --------------------------------------------------------- */

/* An expect_hw in the instance it is judged in. */
struct hwexit_wanted {
	const char *names;	/* "io" or "npf|ept_violation" */
	size_t len;
	u16 own_port;		/* of checkpoint or stub: the named one comes before; or 0 */
	int vector;		/* of the exception delivered meanwhile, or -1 */
	bool paging;		/* the guest has paging on */
	struct hwexit_config config;
};

/* The exits of a step, oldest first. */
struct hwexit_list {
	struct hwexit exits[HWEXITS_STEP];
	unsigned int count;
	bool more;		/* older ones were dropped */
	u64 lost;		/* that there was no room for */
};

void hwexit_list_add(struct hwexit_list *list, const struct hwexit *exit);
/* What was missed before the next one is added. */
void hwexit_list_miss(struct hwexit_list *list, const struct hwexit_missed *missed);

enum hwexit_verdict {
	HWEXIT_AS_EXPECTED,
	HWEXIT_OTHER,		/* *seen is what came instead, NULL: nothing did */
	HWEXIT_UNCHECKED,	/* it cannot be told; why says why */
};

/*
 * What an expect_hw names must be the last of the exits, of those that only instructions
 * cause; with own_port the last before the OUT to it, of those that fill no memory either.
 */
enum hwexit_verdict hwexit_judge(const struct hwexit_list *list,
				 const struct hwexit_wanted *wanted,
				 const struct hwexit **seen, const char **why);
/*
 * What parameters of the hypervisor, as in struct host, decide; of VMX and SVM as the
 * kernel's own modules have them.
 */
struct hwexit_config hwexit_config(const char *hypervisor, const char *parameters);
