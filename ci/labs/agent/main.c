/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Process 1 of a lab: mounts, loads the modules that it is told to, does the job, and
 * turns the machine off. /lab/boot says what the machine is, /lab/job what to do on it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define KLOG_CONSOLE_LEVEL 8 /* syslog(2) */
#define WARNINGS_TOO	   5

#define MARK_PORT "0xe9" /* where the emulator keeps what is written */

static const struct {
	const char *type, *where;
} mounts[] = {
	{ "devtmpfs", "/dev" },
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "tmpfs", "/tmp" },
	{ "tmpfs", "/run" },
	{ "tmpfs", "/dev/shm" },
	{ "devpts", "/dev/pts" },
	{ "debugfs", "/sys/kernel/debug" },
	{ "tracefs", "/sys/kernel/tracing" },
};

static bool channel_ready;

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void power_off(void) __attribute__((noreturn));
static void power_off(void)
{
	if (channel_ready)
		channel_drain();
	/* The emulators end on either; the first is the quicker way where it works. */
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

/* Tells the host why the lab cannot go on, and ends it. */
void fail(const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (channel_ready)
		channel_send(FRAME_FAIL, text, strlen(text));
	dprintf(1, "lab: %s\n", text);
	power_off();
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		/* What a kernel was built without is missed only by who needs it. */
		mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
	}
}

/* "name parameters...": loads /lab/modules/name.ko. */
static void load_module(const char *module)
{
	const char *parameters = strchr(module, ' ');
	int length = parameters ? parameters - module : (int)strlen(module);
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/lab/modules/%.*s.ko", length, module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	if (syscall(SYS_finit_module, fd, parameters ? parameters + 1 : "", 0) && errno != EEXIST)
		fail("the kernel does not take the module %s: %s (the console says more)", module,
		     strerror(errno));
	close(fd);
}

static void set_environment(void)
{
	clearenv();
	setenv("PATH", "/lab/bin:/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "dumb", 1);
	setenv("ASSAY_LAB", "1", 1);
	setenv("ASSAY_MARK_PORT", MARK_PORT, 1);
}

static void say_hello(void)
{
	struct utsname name;
	char text[256];

	uname(&name);
	snprintf(text, sizeof(text), "release=%s\nuptime=%.3f\n", name.release, now_ms() / 1000.0);
	channel_send(FRAME_HELLO, text, strlen(text));
}

/* With a debugger the command begins when its user says so. */
static void wait_for_go(void)
{
	static struct frame frame;
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !channel_send_file(FRAME_SYMBOLS, fd))
		fail("/proc/kallsyms: %s", strerror(errno));
	close(fd);
	channel_send_deflated(FRAME_SYMBOLS, "", 0);
	do {
		channel_send(FRAME_BEAT, NULL, 0);
	} while (!channel_receive(&frame, 1000) || frame.type != FRAME_GO);
}

static void do_job(const struct settings *boot)
{
	struct settings job;
	const char *held;
	char text[16];
	int status;

	if (!settings_load(&job, "/lab/job"))
		fail("/lab/job: %s", strerror(errno));
	held = settings_next(&job, "hold", NULL);
	if (held)
		hold_guests(held);
	say_hello();
	if (settings_next(&job, "wait", NULL))
		wait_for_go();
	status = settings_next(&job, "shell", NULL) ? run_shell(&job) : run_command(&job);
	snprintf(text, sizeof(text), "%d", status);
	channel_send(FRAME_STATUS, text, strlen(text));
	run_fetch(&job);
	leaks_check(boot);
	channel_send(FRAME_END, NULL, 0);
}

int main(void)
{
	struct settings boot;
	const char *value = NULL;

	/* The host looks for warnings on the console, whatever the kernel was told. */
	klogctl(KLOG_CONSOLE_LEVEL, NULL, WARNINGS_TOO);
	mount_all();
	set_environment();
	if (!settings_load(&boot, "/lab/boot"))
		fail("/lab/boot: %s", strerror(errno));
	value = settings_next(&boot, "channel", NULL);
	if (!value || !channel_open(value))
		fail("%s: %s", value ? value : "no channel", strerror(errno));
	channel_ready = true;
	for (value = NULL; (value = settings_next(&boot, "module", value)) != NULL;)
		load_module(value);
	do_job(&boot);
	power_off();
}
