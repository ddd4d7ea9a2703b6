// SPDX-License-Identifier: GPL-2.0-only
/* assay run: instances on a target, judged and reported. */
#define _GNU_SOURCE
#include "cmd_run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artifacts.h"
#include "choose.h"
#include "deviations.h"
#include "worker.h"

#define TIMEOUT_MS 2000
#define STATUS_INTERRUPTED 130

enum { FATAL = 256, SHARD, COVERAGE, SYNC_REGS };	/* options without a letter */

static const char usage[] =
	"usage: assay run [OPTIONS] [PATTERN|FILE.elf...]\n"
	"Runs the cases that match (without a pattern, all) and judges every exit and state.\n"
	"  -o, --on PATH          target: device node of a KVM-ABI hypervisor (/dev/kvm)\n"
	"  -j, --jobs N           workers (one per processor)\n"
	"  -m, --mode MODE        only this mode\n"
	"  -V, --variant LIST     native, mmio, fep: how instructions under test are reached\n"
	"                         (each that a case allows); restore: save the VM at every exit\n"
	"                         and go on in a new one; fresh: a new VM for every case;\n"
	"                         all: native, mmio and fep, each without and with restore\n"
	"  -i, --irqchip LIST     user, split, kernel (each that a case allows)\n"
	"  -p, --smp N            only cases with at most N vCPUs (1 to 4; without: all)\n"
	"  -n, --names FILE       patterns, one a line; - is standard input\n"
	"      --shard I/N        part I of N: together they are everything, none twice\n"
	"  -f, --format FORMAT    pretty, tap, ktap, junit or json\n"
	"  -a, --artifacts DIR    keep a bundle for every failure\n"
	"  -d, --deviations FILE  or a directory of files, instead of those built in;\n"
	"                         none: no failure is known\n"
	"      --coverage         count all exits and ioctls; --format json tells them\n"
	"      --fatal            also run what is known to end or hang the whole machine\n"
	"      --sync-regs HOW    registers travel in kvm_run: yes, no, or auto: where that is\n"
	"                         found to be faster (auto)\n"
	"  -t, --timeout MS       of one KVM_RUN (2000)\n"
	"  -v, --verbose          a line for every instance\n";

enum sync_regs { SYNC_AUTO, SYNC_YES, SYNC_NO };

struct run_options {
	struct choice choice;
	const char *target, *format, *artifacts, *deviations;
	unsigned int jobs, timeout_ms, mark_port;
	bool verbose, fatal, coverage;
	enum sync_regs sync_regs;
};

/* What results go to, one after the other. */
struct sink {
	struct report *report;
	struct run_info info;
	struct artifacts *artifacts;
	struct deviations *deviations;	/* NULL: no failure is taken as known */
	bool broken;
};

static void take(void *arg, struct result *result)
{
	struct sink *sink = arg;
	char *error = NULL;

	if (sink->deviations)
		deviations_apply(sink->deviations, result);
	report_result(sink->report, result);
	if (sink->artifacts && artifacts_save(sink->artifacts, &sink->info, result, &error) < 0) {
		complain("%s", error);
		sink->broken = true;
		free(error);
	}
	if (report_broken(sink->report))
		schedule_stop();
}

static bool number(const char *text, unsigned int min, unsigned int max, const char *option,
		   unsigned int *value)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max) {
		complain("%s takes a number from %u to %u, not \"%s\"", option, min, max, text);
		return false;
	}
	*value = (unsigned int)n;
	return true;
}

/* ASSAY_MARK_PORT: see docs/output.md, "Marks". False if it names no port. */
static bool mark_port(unsigned int *port)
{
	const char *text = getenv("ASSAY_MARK_PORT");
	unsigned long n;
	char *end;

	*port = 0;
	if (!text || !*text)
		return true;
	n = strtoul(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || !n || n > 0xffff) {
		complain("ASSAY_MARK_PORT is an I/O port from 1 to 0xffff, not \"%s\"", text);
		return false;
	}
	*port = (unsigned int)n;
	return true;
}

static bool sync_choice(struct run_options *options, const char *text)
{
	static const char *const names[] = {
		[SYNC_AUTO] = "auto", [SYNC_YES] = "yes", [SYNC_NO] = "no",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i])) {
			options->sync_regs = (enum sync_regs)i;
			return true;
		}
	}
	complain("--sync-regs is yes, no or auto, not \"%s\"", text);
	return false;
}

static bool one_option(struct run_options *options, int option)
{
	switch (option) {
	case 'o':
		options->target = optarg;
		return true;
	case 'j':
		return number(optarg, 1, WORKERS_MAX, "--jobs", &options->jobs);
	case 'm':
		options->choice.mode = optarg;
		return true;
	case 'V':
		return choose_variants(&options->choice, optarg);
	case 'i':
		return choose_irqchips(&options->choice, optarg);
	case 'p':
		return choose_cpus(&options->choice, optarg);
	case 'n':
		options->choice.names = optarg;
		return true;
	case 'f':
		options->format = optarg;
		return true;
	case 'a':
		options->artifacts = optarg;
		return true;
	case 'd':
		options->deviations = optarg;
		return true;
	case 't':
		return number(optarg, 1, 3600000, "--timeout", &options->timeout_ms);
	case 'v':
		options->verbose = true;
		return true;
	case SHARD:
		return choose_shard(&options->choice, optarg);
	case COVERAGE:
		options->coverage = true;
		return true;
	case FATAL:
		options->fatal = true;
		return true;
	case SYNC_REGS:
		return sync_choice(options, optarg);
	default:
		fputs(usage, stderr);
		return false;
	}
}

/* Processors this process may use: taskset and containers may leave it fewer than there are. */
static unsigned int allowed_cpus(void)
{
	cpu_set_t set;

	/* It fails where there are more than fit in a cpu_set_t. */
	if (sched_getaffinity(0, sizeof(set), &set))
		return WORKERS_MAX;
	return (unsigned int)CPU_COUNT(&set);
}

/* False: exit with *status. */
static bool parse(int argc, char **argv, struct run_options *options, enum status *status)
{
	static const struct option longs[] = {
		{ "on", required_argument, NULL, 'o' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "mode", required_argument, NULL, 'm' },
		{ "variant", required_argument, NULL, 'V' },
		{ "irqchip", required_argument, NULL, 'i' },
		{ "smp", required_argument, NULL, 'p' },
		{ "names", required_argument, NULL, 'n' },
		{ "format", required_argument, NULL, 'f' },
		{ "artifacts", required_argument, NULL, 'a' },
		{ "deviations", required_argument, NULL, 'd' },
		{ "timeout", required_argument, NULL, 't' },
		{ "shard", required_argument, NULL, SHARD },
		{ "coverage", no_argument, NULL, COVERAGE },
		{ "fatal", no_argument, NULL, FATAL },
		{ "sync-regs", required_argument, NULL, SYNC_REGS },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	unsigned int cpus = allowed_cpus();
	int option;

	*options = (struct run_options){
		.target = "/dev/kvm",
		.format = "pretty",
		.timeout_ms = TIMEOUT_MS,
		.jobs = cpus > WORKERS_MAX ? WORKERS_MAX : cpus,
	};
	*status = STATUS_ERROR;
	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "o:j:m:V:i:p:n:f:a:d:t:vh", longs, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			*status = STATUS_OK;
			return false;
		}
		if (!one_option(options, option))
			return false;
	}
	return true;
}

static void on_interrupt(int number_of_signal)
{
	(void)number_of_signal;
	schedule_stop();
}

/* The first Ctrl-C ends the run with a report, the second one at once. */
static void catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static bool sync_possible(const struct run_options *options, const struct target *target)
{
	if (options->sync_regs != SYNC_YES || sync_offered(target))
		return true;
	complain("%s does not offer registers in kvm_run (KVM_CAP_SYNC_REGS): run without "
		 "--sync-regs yes", options->target);
	return false;
}

static enum status run_all(const struct run_options *options, struct target *target,
			   struct suite *suite, struct sink *sink)
{
	struct schedule schedule = {
		.target = target,
		.instances = suite->instances,
		.count = suite->count,
		.workers = options->jobs,
		.timeout_ns = options->timeout_ms * 1000000ull,
		.sync_regs = options->sync_regs == SYNC_YES ||
			     (options->sync_regs == SYNC_AUTO && sync_pays(target)),
		.want_memory = options->artifacts,
		.want_coverage = options->coverage,
		.known = sink->deviations,
		.mark_port = options->mark_port,
		.run_fatal = options->fatal,
		.confirm = true,
		.take = take,
		.arg = sink,
	};
	u64 start = now_ns();
	struct run_end end = { 0 };
	enum status status;
	char *stopped = NULL, *error = NULL;
	int ran;

	if (!sync_possible(options, target))
		return STATUS_CANNOT;
	catch_interrupts();
	report_begin(sink->report, &sink->info);
	ran = schedule_run(&schedule, &stopped, &error);
	if (ran < 0) {
		complain("%s", error);
		free(error);
		return STATUS_CANNOT;
	}
	end.ns = now_ns() - start;
	end.interrupted = schedule_stopped() && !report_broken(sink->report);
	end.stopped = stopped;
	if (stopped)
		complain("%s; %u instances did not run", stopped, suite->count - (unsigned int)ran);
	status = report_end(sink->report, &end);
	free(stopped);
	if (end.interrupted)
		return STATUS_INTERRUPTED;
	return sink->broken ? STATUS_ERROR : status;
}

static bool open_sink(struct sink *sink, const struct run_options *options)
{
	char *error = NULL;

	if (strcmp(options->deviations ? options->deviations : "", "none")) {
		sink->deviations = deviations_load(options->deviations, &error);
		if (!sink->deviations)
			goto failed;
	}
	if (options->artifacts) {
		sink->artifacts = artifacts_open(options->artifacts, &error);
		if (!sink->artifacts)
			goto failed;
	}
	sink->report = report_new(options->format, STDOUT_FILENO, options->verbose);
	if (sink->report)
		return true;
	error = xasprintf("there is no format \"%s\": it is one of %s", options->format,
			  report_formats());
failed:
	complain("%s", error);
	free(error);
	return false;
}

static void close_sink(struct sink *sink)
{
	if (sink->report)
		report_free(sink->report);
	if (sink->artifacts)
		artifacts_close(sink->artifacts);
	if (sink->deviations)
		deviations_free(sink->deviations);
}

enum status cmd_run(int argc, char **argv)
{
	struct run_options options;
	struct sink sink = { 0 };
	struct target target;
	struct suite suite;
	enum status status;
	char *error = NULL;
	bool own_files;

	if (!parse(argc, argv, &options, &status))
		return status;
	if (!mark_port(&options.mark_port))
		return STATUS_ERROR;
	if (!choose_suite(&suite, &options.choice, argv + optind, (unsigned int)(argc - optind),
			  &own_files))
		return STATUS_ERROR;
	status = open_sink(&sink, &options) ? target_open(&target, options.target, &error) :
					      STATUS_ERROR;
	if (status == STATUS_OK) {
		sink.info = (struct run_info){
			.host = &target.host,
			.target = options.target,
			.instances = suite.instances,
			.count = suite.count,
			.own_files = own_files,
			.coverage = options.coverage,
			.started = time(NULL),
		};
		if (sink.deviations)
			deviations_bind(sink.deviations, &target.host);
		status = run_all(&options, &target, &suite, &sink);
		target_close(&target);
	} else if (error) {
		complain("%s", error);
		free(error);
	}
	close_sink(&sink);
	suite_free(&suite);
	return status;
}
