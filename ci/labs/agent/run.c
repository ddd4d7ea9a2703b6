/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the command of a job, and carries what it writes to the host: through pipes, or
 * for a shell through a terminal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define HOLD_MS	 100  /* output waits so long for more, to be sent together */
#define BEAT_MS	 1000 /* a sign of life that often */
#define PIPE_MAX (1 << 20)

/* One of the command's outputs on its way to the host. */
struct stream {
	enum frame_type type;
	int fd;
	size_t length;
	int64_t since; /* when the oldest byte came */
	uint8_t data[65536];
};

static struct stream streams[2] = { { .type = FRAME_STDOUT }, { .type = FRAME_STDERR } };

static void flush(struct stream *stream)
{
	if (stream->length)
		channel_send_deflated(stream->type, stream->data, stream->length);
	stream->length = 0;
}

/* Reads once; the end of the file closes the stream. */
static void fill(struct stream *stream)
{
	ssize_t count = read(stream->fd, stream->data + stream->length,
			     sizeof(stream->data) - stream->length);

	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (count <= 0) {
		flush(stream);
		close(stream->fd);
		stream->fd = -1;
		return;
	}
	if (!stream->length)
		stream->since = now_ms();
	stream->length += count;
	if (stream->length == sizeof(stream->data))
		flush(stream);
}

/* Whoever runs guests may not do so on the first processor (qemu.py says why). */
static void leave_first_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (!sched_getaffinity(0, sizeof(set), &set)) {
		CPU_CLR(0, &set);
		if (!sched_setaffinity(0, sizeof(set), &set))
			return;
	}
	dprintf(2, "lab: no processor besides the first, which runs no guests here: %s\n",
		strerror(errno));
	_exit(126);
}

/* In the child: becomes the command. */
static void become(const struct settings *job)
{
	char **arguments = settings_list(job, "arg");
	const char *variable = NULL;
	sigset_t none;

	while ((variable = settings_next(job, "env", variable)) != NULL)
		putenv((char *)variable);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (settings_next(job, "spare", NULL))
		leave_first_processor();
	execvp(arguments[0], arguments);
	dprintf(2, "lab: %s: %s\n", arguments[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static int signals_of_children(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("signalfd: %s", strerror(errno));
	return fd;
}

/* Collects whoever has died, as process 1 must. Whether child was among them, with its
 * exit status as a shell gives it. */
static bool reap(pid_t child, int *result)
{
	bool found = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		found = true;
		*result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	return found;
}

/* Milliseconds until the first of what is due by time alone: a flush or a beat. */
static int until_due(int64_t beat)
{
	int64_t now = now_ms(), due = beat + BEAT_MS;

	for (int i = 0; i < 2; i++) {
		if (streams[i].length && streams[i].since + HOLD_MS < due)
			due = streams[i].since + HOLD_MS;
	}
	return due > now ? due - now : 0;
}

static void do_what_is_due(int64_t *beat)
{
	int64_t now = now_ms();

	for (int i = 0; i < 2; i++) {
		if (streams[i].length && now - streams[i].since >= HOLD_MS)
			flush(&streams[i]);
	}
	if (now - *beat >= BEAT_MS) {
		channel_send(FRAME_BEAT, NULL, 0);
		*beat = now;
	}
}

/* Until the child has ended: its status. */
static int carry_until_end(pid_t child, int signals)
{
	int64_t beat = now_ms();
	int status = 0;
	bool ended = false;

	while (!ended) {
		struct pollfd wait[3] = {
			{ .fd = streams[0].fd, .events = POLLIN },
			{ .fd = streams[1].fd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};
		struct signalfd_siginfo info;

		poll(wait, 3, until_due(beat));
		for (int i = 0; i < 2; i++) {
			if (wait[i].revents)
				fill(&streams[i]);
		}
		while (read(signals, &info, sizeof(info)) > 0)
			;
		ended = reap(child, &status);
		do_what_is_due(&beat);
	}
	return status;
}

/* Runs the command of the job with nothing on its standard input. Its exit status; what
 * it left running is killed, and all that any of them wrote has been sent. */
int run_command(const struct settings *job)
{
	int signals = signals_of_children();
	int out[2], err[2], status;
	pid_t child;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		fail("pipe: %s", strerror(errno));
	fcntl(out[0], F_SETPIPE_SZ, PIPE_MAX);
	channel_send(FRAME_STARTED, NULL, 0);
	child = fork();
	if (child < 0)
		fail("fork: %s", strerror(errno));
	if (child == 0) {
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		become(job);
	}
	close(out[1]);
	close(err[1]);
	streams[0].fd = out[0];
	streams[1].fd = err[0];
	status = carry_until_end(child, signals);
	kill(-1, SIGKILL);
	for (int i = 0; i < 2; i++) {
		while (streams[i].fd >= 0)
			fill(&streams[i]);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return status;
}

/* A pseudo terminal: the master, and in name the slave's path. */
static int open_terminal(char *name, size_t size)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) || unlockpt(master) || ptsname_r(master, name, size))
		fail("pseudo terminal: %s", strerror(errno));
	return master;
}

static void handle_input(int master, const struct frame *frame)
{
	if (frame->type == FRAME_INPUT) {
		if (write(master, frame->payload, frame->length) < 0)
			return; /* the shell is about to end */
	} else if (frame->type == FRAME_WINDOW && frame->length == 4) {
		const uint8_t *p = frame->payload;
		struct winsize size = { .ws_row = p[0] | p[1] << 8, .ws_col = p[2] | p[3] << 8 };

		ioctl(master, TIOCSWINSZ, &size);
	}
}

/* Runs the command of the job on a terminal that the host has the other side of. */
int run_shell(const struct settings *job)
{
	static struct frame frame;
	static uint8_t data[4096];
	char name[64];
	int signals = signals_of_children(), status = 0;
	int master = open_terminal(name, sizeof(name));
	pid_t child;
	ssize_t count;

	channel_send(FRAME_STARTED, NULL, 0);
	child = fork();
	if (child == 0) {
		int slave;

		setsid();
		slave = open(name, O_RDWR);
		ioctl(slave, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(slave, fd);
		become(job);
	}
	for (bool ended = false; !ended;) {
		struct pollfd wait[3] = {
			{ .fd = master, .events = POLLIN },
			{ .fd = channel_descriptor(), .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};
		struct signalfd_siginfo info;

		if (poll(wait, 3, BEAT_MS) == 0)
			channel_send(FRAME_BEAT, NULL, 0);
		while (wait[1].revents && channel_receive(&frame, 0))
			handle_input(master, &frame);
		while (read(signals, &info, sizeof(info)) > 0)
			;
		ended = reap(child, &status);
		if (wait[0].revents && (count = read(master, data, sizeof(data))) > 0)
			channel_send(FRAME_TTY, data, count);
	}
	return status;
}

/* Sends a tar archive of the paths that the job names, if it names any. */
void run_fetch(const struct settings *job)
{
	char **paths = settings_list(job, "fetch");
	int out[2];
	pid_t child;

	if (!paths[0])
		return;
	if (pipe2(out, O_CLOEXEC))
		fail("pipe: %s", strerror(errno));
	child = fork();
	if (child == 0) {
		char *arguments[64] = { "tar", "-c", "-f", "-", "-C", "/" };
		size_t count = 6;

		for (size_t i = 0; paths[i] && count < 63; i++)
			arguments[count++] = paths[i];
		dup2(out[1], 1);
		execv("/bin/busybox", arguments);
		_exit(127);
	}
	close(out[1]);
	channel_send_file(FRAME_TAR, out[0]);
	close(out[0]);
	waitpid(child, NULL, 0);
}
