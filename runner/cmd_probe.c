// SPDX-License-Identifier: GPL-2.0-only
/*
 * assay probe, which is also the doctor: the machine, its VMX or SVM, whether the
 * target runs a guest at all, its capabilities and features by the names `need`
 * takes, and for what is missing what to type.
 */
#include "cmd_probe.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hardware.h"
#include "host.h"
#include "hwexit.h"
#include "report_parts.h"

static const char usage[] =
	"usage: assay probe [--on TARGET] [--format text|json]\n"
	"Says what the machine and the target offer, what is missing to run every case, and what\n"
	"to type. Exit status 125 if the target cannot run a guest.\n"
	"  -o, --on TARGET      device node of the hypervisor (default /dev/kvm)\n"
	"  -f, --format FORMAT  text or json (one object)\n";

#define COLUMNS 96
#define INDENT "  "
#define GUEST_PAGE 0x1000u
#define TSS_ADDRESS 0xfffbd000u	/* of three pages the trial's guest does not use */

struct probe {
	const char *path;
	bool json;
	struct hardware hardware;
	struct target target;
	bool opened;
	enum status status;
	char *trouble;		/* why the target cannot be used, or NULL */
	u64 trial_ns;		/* time the trial guest took */
	const char *hw_source;	/* where the processor's exits are seen, or NULL ... */
	char *hw_missing;	/* ... and why not */
	char **advice;		/* what is missing, and what to type */
	unsigned int nadvice;
};

/* ---- the trial ------------------------------------------------------------------- */

struct trial {
	int vm, vcpu;
	u8 *memory;
	struct kvm_run *run;
	const char *call;	/* the one that failed */
};

static bool call(struct trial *trial, const char *name, int result)
{
	if (result >= 0)
		return true;
	trial->call = name;
	return false;
}

/* A guest of one page, in the state after reset but for CS, that is about to HLT. */
static bool trial_build(struct trial *trial, const struct target *target)
{
	struct kvm_userspace_memory_region slot = { .memory_size = GUEST_PAGE };
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	trial->vm = ioctl(target->fd, KVM_CREATE_VM, 0UL);
	if (!call(trial, "KVM_CREATE_VM", trial->vm))
		return false;
	/* Without unrestricted guests VMX runs real mode in a task of virtual-8086 mode. */
	if (ioctl(target->fd, KVM_CHECK_EXTENSION, (unsigned long)KVM_CAP_SET_TSS_ADDR) > 0 &&
	    !call(trial, "KVM_SET_TSS_ADDR",
		  ioctl(trial->vm, KVM_SET_TSS_ADDR, (unsigned long)TSS_ADDRESS)))
		return false;
	trial->memory = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (trial->memory == MAP_FAILED)
		return call(trial, "mmap of guest memory", -1);
	trial->memory[0] = 0xf4;	/* hlt */
	slot.userspace_addr = (uintptr_t)trial->memory;
	if (!call(trial, "KVM_SET_USER_MEMORY_REGION",
		  ioctl(trial->vm, KVM_SET_USER_MEMORY_REGION, &slot)))
		return false;
	trial->vcpu = ioctl(trial->vm, KVM_CREATE_VCPU, 0UL);
	if (!call(trial, "KVM_CREATE_VCPU", trial->vcpu))
		return false;
	trial->run = mmap(NULL, target->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, trial->vcpu,
			  0);
	if (trial->run == MAP_FAILED)
		return call(trial, "mmap of the vCPU", -1);
	if (!call(trial, "KVM_GET_SREGS", ioctl(trial->vcpu, KVM_GET_SREGS, &sregs)))
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return call(trial, "KVM_SET_SREGS", ioctl(trial->vcpu, KVM_SET_SREGS, &sregs)) &&
	       call(trial, "KVM_SET_REGS", ioctl(trial->vcpu, KVM_SET_REGS, &regs));
}

static const char *trial_advice(int err)
{
	switch (err) {
	case ENOMEM:
		return "free memory, or raise its limit (ulimit -v, the cgroup's memory.max)";
	case EBUSY:
		return "another hypervisor uses the processor: stop its guests";
	case EINTR:
		return "the guest did not come back in a second; see dmesg";
	case EMFILE:
	case ENFILE:
		return "too many open files: raise ulimit -n";
	case EPERM:
	case EACCES:
		return "a container or security module forbids it";
	default:
		return "see dmesg";
	}
}

static void wake(int signal)
{
	(void)signal;
}

/* KVM_RUN for a second at most: then the signal ends it with EINTR. */
static int run_bounded(int vcpu)
{
	const struct sigaction action = { .sa_handler = wake };
	int result, err;

	sigaction(SIGALRM, &action, NULL);
	alarm(1);
	result = ioctl(vcpu, KVM_RUN, 0UL);
	err = errno;
	alarm(0);
	signal(SIGALRM, SIG_DFL);
	errno = err;
	return result;
}

/* Where expect_hw would be judged from: as in hwexit.c. */
static void find_hw_source(struct probe *probe, const struct kvm_run *run)
{
	u32 ring = probe->target.exit_ring;
	struct hwexit_source *trace;

	if (ring) {
		if (hwexit_mapped_check((const u8 *)run + ring, &probe->hw_missing))
			probe->hw_source = "ring";
		return;
	}
	trace = hwexit_open_trace(&probe->hw_missing);
	if (!trace)
		return;
	trace->ops->close(trace);
	probe->hw_source = "tracepoint";
}

/* Whether the target makes a VM and a vCPU, and runs a guest. */
static char *trial_run(struct probe *probe)
{
	const struct target *target = &probe->target;
	struct trial trial = { .vm = -1, .vcpu = -1, .memory = MAP_FAILED, .run = MAP_FAILED };
	char *trouble = NULL;
	u32 reason = 0;
	bool ok;

	ok = trial_build(&trial, target) &&
	     call(&trial, "KVM_RUN", run_bounded(trial.vcpu));
	if (!ok)
		trouble = xasprintf("%s: %s: %s; %s", target->path, trial.call, strerror(errno),
				    trial_advice(errno));
	else
		reason = trial.run->exit_reason;
	if (ok && reason != KVM_EXIT_HLT)
		trouble = xasprintf("%s: a guest of one HLT instruction ended in KVM exit %u, not "
				    "KVM_EXIT_HLT (%u); see dmesg", target->path, reason,
				    (unsigned int)KVM_EXIT_HLT);
	if (trial.run != MAP_FAILED) {
		find_hw_source(probe, trial.run);
		munmap(trial.run, target->run_size);
	}
	if (trial.vcpu >= 0)
		close(trial.vcpu);
	if (trial.vm >= 0)
		close(trial.vm);
	if (trial.memory != MAP_FAILED)
		munmap(trial.memory, GUEST_PAGE);
	return trouble;
}

/* ---- what is missing ------------------------------------------------------------- */

static void advise(struct probe *probe, char *text)
{
	probe->advice = xrealloc(probe->advice, (probe->nadvice + 1) * sizeof(*probe->advice));
	probe->advice[probe->nadvice++] = text;
}

/* A feature whole suites depend on: what stays out without it. */
static void advise_feature(struct probe *probe, const char *name, const char *loss)
{
	char *missing = feature_missing(&probe->target, name);

	if (missing)
		advise(probe, xasprintf("%s: %s", loss, missing));
	free(missing);
}

static void find_missing(struct probe *probe)
{
	const struct host *host = &probe->target.host;

	if (probe->hardware.trouble)
		advise(probe, xstrdup(probe->hardware.trouble));
	if (probe->trouble)
		advise(probe, xstrdup(probe->trouble));
	if (probe->opened) {
		advise_feature(probe, "fep", "variants +fep are skipped");
		advise_feature(probe, "la57", "mode long64_5l is skipped");
		advise_feature(probe, "cap_irqchip", "irqchip kernel is skipped");
		advise_feature(probe, "cap_split_irqchip", "irqchip split is skipped");
	}
	if (probe->hw_missing)
		advise(probe, xasprintf("expect_hw is not judged: %s", probe->hw_missing));
	if (!probe->hardware.vmx && !probe->hardware.svm && strcmp(host->machine, "bare metal"))
		advise(probe, xstrdup("kvm_intel and kvm_amd cannot be used: this virtual machine "
				      "has neither VMX nor SVM; on the machine it runs on, load "
				      "them with nested=1 and pass the feature on"));
	if (probe->hardware.unseen)
		advise(probe, xasprintf("not looked at: %s", probe->hardware.unseen));
}

static void look(struct probe *probe)
{
	u64 start;

	hardware_read(&probe->hardware);
	probe->status = target_open(&probe->target, probe->path, &probe->trouble);
	probe->opened = probe->status == STATUS_OK;
	if (probe->opened) {
		start = now_ns();
		probe->trouble = trial_run(probe);
		probe->trial_ns = now_ns() - start;
		if (probe->trouble)
			probe->status = STATUS_CANNOT;
	} else {
		host_read(&probe->target.host, probe->path);
	}
	find_missing(probe);
}

/* ---- as text --------------------------------------------------------------------- */

/* Words below a heading, broken into lines. */
static void print_words(const char *heading, const char *words)
{
	int column = 0;

	printf("%s%s\n", INDENT, heading);
	while (*words) {
		int len = (int)strcspn(words, " ");

		if (column && column + 1 + len > COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : INDENT INDENT, len, words);
		words += len;
		words += strspn(words, " ");
	}
	if (column)
		putchar('\n');
}

static void print_host(const struct probe *probe)
{
	const struct host *host = &probe->target.host;

	printf("machine\n");
	printf("  processor   %s (%s, family %u, model %u, stepping %u), microcode %s\n", host->cpu,
	       host->vendor, host->family, host->model, host->stepping, host->microcode);
	printf("  runs on     %s", host->machine);
	if (strcmp(host->machine_version, "unknown"))
		printf(" %s", host->machine_version);
	putchar('\n');
	printf("  kernel      %s\n", host->kernel);
	printf("  VMX         %s\n", probe->hardware.vmx ? "yes" : "no");
	printf("  SVM         %s\n", probe->hardware.svm ? "yes" : "no");
	if (*probe->hardware.features)
		print_words("features of it", probe->hardware.features);
	printf("hypervisor\n");
	printf("  module      %s, version %s\n", host->hypervisor, host->version);
	if (*host->parameters)
		print_words("parameters", host->parameters);
}

/* The names of those features that are (not) offered, and begin (or not) by cap_. */
static char *feature_names(const struct target *target, bool caps, bool offered)
{
	struct strbuf sb = { 0 };
	const char *name, *text;

	for (unsigned int i = 0; feature_at(i, &name, &text); i++) {
		char *missing;

		if (!strncmp(name, "cap_", 4) != caps)
			continue;
		missing = feature_missing(target, name);
		if (!missing == offered)
			sb_printf(&sb, "%s%s", sb.len ? " " : "", name);
		free(missing);
	}
	return sb.s ? sb.s : xstrdup("none");
}

static void print_features(const struct target *target)
{
	static const struct { const char *heading; bool caps, offered; } lists[] = {
		{ "features offered to guests", false, true },
		{ "features absent", false, false },
		{ "capabilities offered", true, true },
		{ "capabilities absent", true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char *names = feature_names(target, lists[i].caps, lists[i].offered);

		print_words(lists[i].heading, names);
		free(names);
	}
}

static void print_hw_source(const struct probe *probe)
{
	if (!probe->hw_source)
		return;
	printf("  hw exits    seen in %s\n", strcmp(probe->hw_source, "ring") ?
	       "tracepoint kvm:kvm_exit" : "the target's own ring beside kvm_run");
}

static void print_text(const struct probe *probe)
{
	print_host(probe);
	printf("target %s\n", probe->path);
	if (probe->trouble)
		printf("  unusable    %s\n", probe->trouble);
	else
		printf("  usable      a guest was made and run in %.1f ms\n",
		       (double)probe->trial_ns / 1e6);
	print_hw_source(probe);
	if (probe->opened)
		print_features(&probe->target);
	printf("missing to run everything\n");
	for (unsigned int i = 0; i < probe->nadvice; i++)
		printf("  - %s\n", probe->advice[i]);
	if (!probe->nadvice)
		printf("  nothing\n");
}

/* ---- as JSON ----------------------------------------------------------------------- */

/* Words as a list. */
static json_t *json_words(const char *words)
{
	json_t *list = json_array();

	while (*words) {
		size_t len = strcspn(words, " ");

		json_array_append_new(list, json_stringn(words, len));
		words += len;
		words += strspn(words, " ");
	}
	return list;
}

static json_t *json_hardware(const struct hardware *hardware)
{
	json_t *object = json_object();

	json_object_set_new(object, "vmx", json_boolean(hardware->vmx));
	json_object_set_new(object, "svm", json_boolean(hardware->svm));
	json_object_set_new(object, "features", json_words(hardware->features));
	return object;
}

/* {"smap": {"text": ..., "offered": false, "why": ...}, ...} */
static json_t *json_features(const struct target *target)
{
	json_t *object = json_object();
	const char *name, *text;

	for (unsigned int i = 0; feature_at(i, &name, &text); i++) {
		char *missing = feature_missing(target, name);
		json_t *feature = json_object();

		json_object_set_new(feature, "text", json_clean(text));
		json_object_set_new(feature, "offered", json_boolean(!missing));
		if (missing)
			json_object_set_new(feature, "why", json_clean(missing));
		json_object_set_new(object, name, feature);
		free(missing);
	}
	return object;
}

static void print_json(const struct probe *probe)
{
	const struct run_info run = { .host = &probe->target.host };
	json_t *object = json_object(), *advice = json_array();
	char *text;

	json_object_set_new(object, "target", json_clean(probe->path));
	json_object_set_new(object, "usable", json_boolean(!probe->trouble));
	json_object_set_new(object, "trouble", json_clean(probe->trouble));
	json_object_set_new(object, "host", json_host(&run));
	json_object_set_new(object, "hardware", json_hardware(&probe->hardware));
	json_object_set_new(object, "features",
			    probe->opened ? json_features(&probe->target) : json_object());
	for (unsigned int i = 0; i < probe->nadvice; i++)
		json_array_append_new(advice, json_clean(probe->advice[i]));
	json_object_set_new(object, "hw_exits", json_clean(probe->hw_source));
	json_object_set_new(object, "missing", advice);
	text = json_dumps(object, JSON_INDENT(2));
	if (text)
		puts(text);
	free(text);
	json_decref(object);
}

/* ---- the command ------------------------------------------------------------------- */

/* STATUS_OK to go on; else what to exit with, and *help if that is no error. */
static enum status parse(int argc, char **argv, struct probe *probe, bool *help)
{
	static const struct option longs[] = {
		{ "on", required_argument, NULL, 'o' },
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;

	optind = 0;	/* getopt(3): begins anew */
	while ((option = getopt_long(argc, argv, "o:f:h", longs, NULL)) != -1) {
		if (option == 'o') {
			probe->path = optarg;
		} else if (option == 'f') {
			probe->json = !strcmp(optarg, "json");
			if (!probe->json && strcmp(optarg, "text")) {
				complain("probe: there is no format \"%s\": it is text or json",
					 optarg);
				return STATUS_ERROR;
			}
		} else if (option == 'h') {
			*help = true;
		} else {
			fputs(usage, stderr);
			return STATUS_ERROR;
		}
	}
	if (optind < argc) {
		complain("probe: takes no \"%s\": a target is named by --on", argv[optind]);
		return STATUS_ERROR;
	}
	return STATUS_OK;
}

static void probe_free(struct probe *probe)
{
	if (probe->opened)
		target_close(&probe->target);
	else
		host_free(&probe->target.host);
	hardware_free(&probe->hardware);
	for (unsigned int i = 0; i < probe->nadvice; i++)
		free(probe->advice[i]);
	free(probe->advice);
	free(probe->hw_missing);
	free(probe->trouble);
}

enum status cmd_probe(int argc, char **argv)
{
	struct probe probe = { .path = "/dev/kvm" };
	bool help = false;

	if (parse(argc, argv, &probe, &help))
		return STATUS_ERROR;
	if (help) {
		fputs(usage, stdout);
	} else {
		look(&probe);
		if (probe.json)
			print_json(&probe);
		else
			print_text(&probe);
		probe_free(&probe);
	}
	if (fflush(stdout) || ferror(stdout)) {
		complain("probe: cannot write: %s", strerror(errno));
		return STATUS_ERROR;
	}
	return probe.status;
}
