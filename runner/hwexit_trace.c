// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoint kvm:kvm_exit of stock KVM, read through perf_event_open(2).
 *
 * Each thread has a ring of its own, into which the kernel puts what that very thread's
 * vCPUs leave the processor for, in order, on whatever CPU. So nothing is filtered or
 * merged here, other users of the tracepoint are not disturbed, and the kernel takes all
 * of it away with the descriptor, however the program ends. tracefs is only read, once,
 * for the number of the tracepoint and where its fields are, which differ by kernel.
 */
#define _GNU_SOURCE
#include "hwexit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_PAGES 32u		/* about 1400 exits between two looks: between two KVM_RUNs */
#define RECORD_MAX 256
#define FILE_MAX 65536

struct trace {
	struct hwexit_source source;
	int fd;
	struct perf_event_mmap_page *page;	/* the ring's head and tail; the ring follows */
	size_t mapped;				/* bytes */
	struct hwexit_ring ring;
	struct hwexit_format format;
};

static struct trace *trace_of(struct hwexit_source *source)
{
	return (struct trace *)source;
}

/* ---- the format ------------------------------------------------------------------ */

/*
 * A line of the file is "field:TYPE NAME;\toffset:N;\tsize:N;\tsigned:N;". Finds the
 * line of the field; false if there is none.
 */
static bool find_field(const char *text, const char *name, unsigned int *offset,
		       unsigned int *size)
{
	size_t len = strlen(name);

	for (const char *at = strstr(text, "field:"); at; at = strstr(at + 1, "field:")) {
		const char *end = strchr(at, ';');

		if (!end || (size_t)(end - at) <= len || memcmp(end - len, name, len) ||
		    end[-(long)len - 1] != ' ')
			continue;
		return sscanf(end, "; offset:%u; size:%u;", offset, size) == 2;
	}
	return false;
}

bool hwexit_parse_format(const char *text, struct hwexit_format *format, const char **missing)
{
	struct {
		const char *name;
		unsigned int *offset, *size;
		bool needed;
	} fields[] = {
		{ "exit_reason", &format->reason.offset, &format->reason.size, true },
		{ "guest_rip", &format->rip.offset, &format->rip.size, true },
		{ "isa", &format->isa.offset, &format->isa.size, true },
		{ "info1", &format->info1.offset, &format->info1.size, true },
		{ "info2", &format->info2.offset, &format->info2.size, false },
		{ "intr_info", &format->intr_info.offset, &format->intr_info.size, false },
		{ "error_code", &format->error_code.offset, &format->error_code.size, false },
	};

	memset(format, 0, sizeof(*format));
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		*missing = fields[i].name;
		if (!find_field(text, fields[i].name, fields[i].offset, fields[i].size)) {
			if (fields[i].needed)
				return false;
			*fields[i].size = 0;
		} else if ((*fields[i].size != 4 && *fields[i].size != 8) ||
			   *fields[i].offset > RECORD_MAX) {
			return false;
		}
	}
	*missing = NULL;
	return true;
}

static bool take(const u8 *record, size_t bytes, unsigned int offset, unsigned int size, u64 *value)
{
	*value = 0;
	if (offset + size > bytes)
		return false;
	memcpy(value, record + offset, size);
	return true;
}

bool hwexit_parse_record(const struct hwexit_format *f, const u8 *record, size_t bytes,
			 struct hwexit *exit)
{
	u64 reason, isa, intr_info, error_code;

	if (!take(record, bytes, f->reason.offset, f->reason.size, &reason) ||
	    !take(record, bytes, f->rip.offset, f->rip.size, &exit->rip) ||
	    !take(record, bytes, f->isa.offset, f->isa.size, &isa) ||
	    !take(record, bytes, f->info1.offset, f->info1.size, &exit->info1) ||
	    !take(record, bytes, f->info2.offset, f->info2.size, &exit->info2) ||
	    !take(record, bytes, f->intr_info.offset, f->intr_info.size, &intr_info) ||
	    !take(record, bytes, f->error_code.offset, f->error_code.size, &error_code))
		return false;
	exit->reason = (u32)reason;
	exit->isa = (u32)isa;
	exit->intr_info = (u32)intr_info;
	exit->error_code = (u32)error_code;
	return true;
}

/* ---- the ring ---------------------------------------------------------------------- */

/* Copies from the ring, which may go on at its begin. */
static void copy_out(const struct hwexit_ring *ring, u64 at, void *to, size_t bytes)
{
	u64 first = at & (ring->size - 1);
	size_t straight = ring->size - first < bytes ? (size_t)(ring->size - first) : bytes;

	memcpy(to, ring->data + first, straight);
	memcpy((u8 *)to + straight, ring->data, bytes - straight);
}

/*
 * Records as perf_event_open(2) has them with sample_type PERF_SAMPLE_RAW: a sample is
 * header, u32 size, that many bytes; a loss is header, u64 id, u64 count.
 */
bool hwexit_ring_next(struct hwexit_ring *ring, const struct hwexit_format *format,
		      struct hwexit *exit, u64 *lost)
{
	while (ring->tail != ring->head) {
		struct perf_event_header header;
		u8 body[RECORD_MAX];
		size_t bytes;
		u64 left = ring->head - ring->tail, count;

		if (left >= sizeof(header))
			copy_out(ring, ring->tail, &header, sizeof(header));
		if (left < sizeof(header) || header.size < sizeof(header) || header.size > left) {
			++*lost;
			ring->tail = ring->head;
			return false;
		}
		bytes = header.size - sizeof(header);
		bytes = bytes < sizeof(body) ? bytes : sizeof(body);
		copy_out(ring, ring->tail + sizeof(header), body, bytes);
		ring->tail += header.size;
		if (header.type == PERF_RECORD_LOST && bytes >= 16) {
			memcpy(&count, body + 8, sizeof(count));
			*lost += count;
		} else if (header.type == PERF_RECORD_SAMPLE) {
			if (bytes >= 4 && hwexit_parse_record(format, body + 4, bytes - 4, exit))
				return true;
			++*lost;
		}
	}
	return false;
}

/*
 * The kernel moves the head when a record is whole, and looks at the tail to see what
 * room there is (include/uapi/linux/perf_event.h, data_head).
 */
static bool next(struct hwexit_source *source, struct hwexit *exit, struct hwexit_missed *missed)
{
	struct trace *trace = trace_of(source);
	struct hwexit_ring *ring = &trace->ring;
	bool found;

	ring->head = __atomic_load_n(&trace->page->data_head, __ATOMIC_ACQUIRE);
	if (ring->head == ring->tail)
		return false;
	found = hwexit_ring_next(ring, &trace->format, exit, &missed->lost);
	__atomic_store_n(&trace->page->data_tail, ring->tail, __ATOMIC_RELEASE);
	return found;
}

/* ---- opening -------------------------------------------------------------------------- */

/* Reads a small file whole; NULL if it cannot be. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text;
	size_t len;

	if (!file)
		return NULL;
	text = xmalloc(FILE_MAX);
	len = fread(text, 1, FILE_MAX - 1, file);
	text[len] = 0;
	fclose(file);
	return text;
}

/* The number perf knows the tracepoint by, and its format; -1 with *why. */
static int find_tracepoint(struct hwexit_format *format, char **why)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	const char *missing = NULL;
	bool mounted = false;
	int id = -1;

	for (unsigned int i = 0; i < ARRAY_SIZE(places) && id < 0 && !missing; i++) {
		char path[96], *text, *number;

		snprintf(path, sizeof(path), "%s/events/kvm/kvm_exit/format", places[i]);
		text = read_file(path);
		snprintf(path, sizeof(path), "%s/events/kvm/kvm_exit/id", places[i]);
		number = read_file(path);
		if (text && number && hwexit_parse_format(text, format, &missing))
			id = atoi(number);
		free(text);
		free(number);
		snprintf(path, sizeof(path), "%s/events", places[i]);
		mounted |= !access(path, F_OK);
	}
	if (id >= 0)
		return id;
	if (missing)
		*why = xasprintf("tracepoint kvm:kvm_exit has no field %s that is understood",
				 missing);
	else if (mounted)
		*why = xstrdup("tracepoint kvm:kvm_exit cannot be read: only root can, with KVM "
			       "loaded");
	else
		*why = xstrdup("tracefs is not mounted, or not for this user: as root, "
			       "mount -t tracefs tracefs /sys/kernel/tracing");
	return -1;
}

static char *why_not(int error)
{
	if (error == EACCES || error == EPERM)
		return xstrdup("tracepoints need root, CAP_PERFMON or "
			       "kernel.perf_event_paranoid=-1");
	return xasprintf("perf_event_open of tracepoint kvm:kvm_exit: %s", strerror(error));
}

static void close_trace(struct hwexit_source *source)
{
	struct trace *trace = trace_of(source);

	munmap(trace->page, trace->mapped);
	close(trace->fd);
	free(trace);
}

static void start(struct hwexit_source *source)
{
	ioctl(trace_of(source)->fd, PERF_EVENT_IOC_ENABLE, 0);
}

static void stop(struct hwexit_source *source)
{
	ioctl(trace_of(source)->fd, PERF_EVENT_IOC_DISABLE, 0);
}

static const struct hwexit_source_ops ops = {
	.start = start, .stop = stop, .next = next, .close = close_trace,
};

struct hwexit_source *hwexit_open_trace(char **why)
{
	struct trace trace = { .source.ops = &ops, .fd = -1 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_RAW,
		.disabled = 1,
	};
	int id = find_tracepoint(&trace.format, why);

	if (id < 0)
		return NULL;
	attr.config = (u64)id;
	trace.fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (trace.fd < 0) {
		*why = why_not(errno);
		return NULL;
	}
	trace.mapped = (1 + RING_PAGES) * page;
	trace.page = mmap(NULL, trace.mapped, PROT_READ | PROT_WRITE, MAP_SHARED, trace.fd, 0);
	if (trace.page == MAP_FAILED) {
		*why = why_not(errno);
		close(trace.fd);
		return NULL;
	}
	trace.ring.data = (const u8 *)trace.page + page;
	trace.ring.size = RING_PAGES * page;
	return memcpy(xmalloc(sizeof(trace)), &trace, sizeof(trace));
}
