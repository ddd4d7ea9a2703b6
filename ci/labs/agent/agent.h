/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent: process 1 of a lab. It makes the kernel ready, runs one command and tells the
 * other side of a serial line what came of it. This file owns what the parts of the agent
 * share; the numbers of the frames are also in ci/labs/frames.py.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAGIC 0xa7
#define FRAME_MAX   (128 * 1024) /* bytes of payload, at most */

enum frame_type {
	/* From the lab. */
	FRAME_HELLO = 1, /* ready, with a job */
	FRAME_STARTED = 2, /* the command begins now */
	FRAME_STDOUT = 3, /* deflated */
	FRAME_STDERR = 4, /* deflated */
	FRAME_TTY = 5, /* output of a shell */
	FRAME_BEAT = 6, /* still alive */
	FRAME_TAR = 7, /* deflated: a piece of the archive of what is fetched */
	FRAME_SYMBOLS = 8, /* deflated: a piece of /proc/kallsyms */
	FRAME_STATUS = 9, /* the exit status of the command, in decimal */
	FRAME_FAIL = 10, /* the lab cannot run the command: why */
	FRAME_END = 11, /* nothing more comes */
	/* To the lab. */
	FRAME_INPUT = 64, /* for the terminal */
	FRAME_WINDOW = 65, /* two u16: rows, columns */
	FRAME_GO = 66, /* begin the command */
};

/*
 * What the agent is told: a file of records that end in a NUL byte each, "key=value".
 * A key may occur more than once.
 */
struct settings {
	char *text;
	size_t size;
};

struct frame {
	uint8_t type;
	uint32_t length;
	uint8_t payload[FRAME_MAX];
};

/* channel.c */
bool channel_open(const char *device);
void channel_send(enum frame_type type, const void *data, size_t length);
void channel_send_deflated(enum frame_type type, const void *data, size_t length);
bool channel_send_file(enum frame_type type, int fd);
bool channel_receive(struct frame *frame, int milliseconds);
void channel_drain(void);
int channel_descriptor(void);

/* settings.c */
bool settings_load(struct settings *settings, const char *path);
const char *settings_next(const struct settings *settings, const char *key, const char *previous);
char **settings_list(const struct settings *settings, const char *key);

/* hold.c */
void hold_guests(const char *device);

/* run.c */
int run_command(const struct settings *job);
int run_shell(const struct settings *job);
void run_fetch(const struct settings *job);

/* leaks.c */
void leaks_check(const struct settings *boot);

/* main.c */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
int64_t now_ms(void);

#endif
