/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the formats of a report share: the counts, the way out, and the texts of
 * a failure. For runner/report*.c, artifacts.c, cmd_list.c and cmd_show.c;
 * everybody else includes report.h.
 */
#pragma once

#include <jansson.h>

#include "report.h"
#include "text.h"

/* One suite: the first component of its instances' names. */
struct suite_count {
	char *name;
	unsigned int planned, seen;
	unsigned int counts[OUTCOME_COUNT];
	u64 ns;
	struct strbuf text;	/* what a format collects until it can write it */
};

struct report_ops {
	const char *name;
	void (*begin)(struct report *report);
	void (*result)(struct report *report, const struct result *result,
		       struct suite_count *suite);
	void (*end)(struct report *report, const struct run_end *end);
	void (*free)(struct report *report);	/* NULL: nothing of its own */
};

struct report {
	const struct report_ops *ops;
	int fd;
	bool verbose;
	bool broken;
	bool stopped;		/* ended early because of the target: not all need to be seen */
	const struct run_info *run;
	struct suite_count *suites;	/* in the order of run->instances */
	unsigned int nsuites;
	unsigned int seen;
	unsigned int counts[OUTCOME_COUNT];
	unsigned int gone;		/* recorded deviations that passed */
	void *own;			/* the format's */
};

extern const struct report_ops report_pretty, report_tap, report_ktap, report_junit, report_json;

/* Writes text out at once and empties it; after the first error, only that. */
void report_write(struct report *report, struct strbuf *text);

/* By the counts alone: STATUS_ERROR, STATUS_FAIL or STATUS_OK. */
enum status report_verdict(const struct report *report);

/*
 * True for outcomes that come with a failed step: fail, error, and a deviation, unless
 * the case went on over it to its end.
 */
bool result_explains(const struct result *result);

/* The line of the source that failed: the step's, else the case's. */
u32 result_line(const struct result *result);
/* "expect io_out, port=0x10", or NULL before the first step; to be freed. */
char *step_text(const struct result *result);
/* "io/out.asm" */
char *source_name(const struct image *image);
/* "assay run io/out/imm8_al@long64 --on /dev/kvm", plus the file if it is the user's. */
void sb_rerun(struct strbuf *sb, const struct run_info *run, const struct result *result);
/* The version of Assay that ran it. */
const char *run_version(const struct run_info *run);
/* "kvm_amd 6.1.0 (bare metal), AMD EPYC 7B13 ..." */
void sb_host(struct strbuf *sb, const struct run_info *run);

/* Colours of a terminal; both strings empty for plain text. */
struct paint {
	const char *bad, *good, *strong, *faint, *off;
};
extern const struct paint paint_none, paint_terminal;

/* All of a failure but its headline, indented by four spaces, ending in '\n'. */
void sb_failure(struct strbuf *sb, const struct run_info *run, const struct result *result,
		const struct paint *paint);
/* The parts of it, each indented by indent spaces: */
void sb_differences(struct strbuf *sb, const struct result *result, int indent,
		    const struct paint *paint);
void sb_code(struct strbuf *sb, const struct result *result, int indent,
	     const struct paint *paint);
/*
 * What that code is: around RIP, or the step's, when RIP is in an exception stub. NULL
 * if failures show none. To be freed.
 */
char *code_heading(const struct result *result);
void sb_exits(struct strbuf *sb, const struct result *result, int indent);
/* The processor's own, each with the number of the exit in sb_exits() that it led to. */
void sb_hw_exits(struct strbuf *sb, const struct result *result, int indent);
/* General, control, debug and segment registers, one or two a line. */
void sb_registers(struct strbuf *sb, const struct cpu_state *state, unsigned int uses);

/* Why instances are missing, or NULL if nothing cut the run short. */
const char *report_cut_short(const struct run_end *end);

/* The objects of the JSON format. */
json_t *json_host(const struct run_info *run);
json_t *json_instance(const struct instance *instance);
json_t *json_result(const struct run_info *run, const struct result *result);
/* clean_text() as JSON string; null for NULL. */
json_t *json_clean(const char *s);
