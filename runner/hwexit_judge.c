// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the processor's exits are those an expect_hw names. What comes between is the
 * hypervisor's business: interrupts of the machine below, faults that fill memory in.
 */
#include "hwexit.h"

#include <string.h>

#define VMX_BASIC 0xffffu
#define VECTOR_NMI 2
#define VECTOR_PF 14
#define VECTOR_MC 18

void hwexit_list_add(struct hwexit_list *list, const struct hwexit *exit)
{
	if (list->count == HWEXITS_STEP) {
		memmove(list->exits, list->exits + 1, sizeof(list->exits) - sizeof(*exit));
		list->count--;
		list->more = true;
	}
	list->exits[list->count++] = *exit;
}

/* After a gap it is not known what came right before: what is older is of no use. */
void hwexit_list_miss(struct hwexit_list *list, const struct hwexit_missed *missed)
{
	list->lost += missed->lost;
	if (!missed->overrun)
		return;
	list->count = 0;
	list->more = true;
}

static bool any_of(const struct hwexit *exit, const char *const names[], unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (hwexit_is(exit, names[i], strlen(names[i])) == HWEXIT_FITS)
			return true;
	return false;
}

/*
 * Exits that no instruction of the guest has to do with: what comes from outside, and
 * what a hypervisor asks for to get the processor back (SDM 3 25.2, APM 2 15.13).
 */
static bool comes_any_time(const struct hwexit *exit)
{
	static const char *const names[] = {
		"vmx.external_interrupt", "vmx.init", "vmx.sipi", "vmx.io_smi", "vmx.other_smi",
		"vmx.interrupt_window", "vmx.nmi_window", "vmx.pause", "vmx.tpr_below_threshold",
		"vmx.preemption_timer", "vmx.pml_full", "vmx.bus_lock", "vmx.instruction_timeout",
		"svm.intr", "svm.nmi", "svm.smi", "svm.init", "svm.vintr", "svm.pause",
		"svm.bus_lock",
	};
	int vector = hwexit_vector(exit);

	return vector == VECTOR_MC || (vector == VECTOR_NMI && exit->isa == HWEXIT_VMX) ||
	       any_of(exit, names, ARRAY_SIZE(names));
}

/* Faults of guest memory that the hypervisor fills in or tracks, at any access. */
static bool is_memory(const struct hwexit *exit, const struct hwexit_config *config)
{
	static const char *const names[] = { "mmio" };

	if (config->known && !config->nested && hwexit_vector(exit) == VECTOR_PF)
		return true;
	return any_of(exit, names, ARRAY_SIZE(names));
}

static bool names_it(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(name, word, len);
}

/*
 * One name. Where no memory is, the processor leaves by its own paging of guest memory,
 * or without it (ept=0, npt=0) by the #PF that the hypervisor's tables have to cause.
 */
static enum hwexit_fit fits(const struct hwexit *exit, const struct hwexit_wanted *wanted,
			    const char *name, size_t len)
{
	static const char pf[] = "exception_pf";

	if (names_it(name, len, "mmio") && !wanted->config.nested)
		return hwexit_is(exit, pf, sizeof(pf) - 1);
	return hwexit_is(exit, name, len);
}

/* The best that any of the names is. */
static enum hwexit_fit fits_any(const struct hwexit *exit, const struct hwexit_wanted *wanted)
{
	enum hwexit_fit best = HWEXIT_NOT_ITS_NAME;
	const char *name;
	size_t at = 0, len;

	while (hwexit_next_name(wanted->names, wanted->len, &at, &name, &len)) {
		enum hwexit_fit fit = fits(exit, wanted, name, len);

		if (fit == HWEXIT_FITS)
			return fit;
		if (fit == HWEXIT_FITS_NOT)
			best = fit;
	}
	return best;
}

static bool wants(const struct hwexit_wanted *wanted, const char *word)
{
	const char *name;
	size_t at = 0, len;

	while (hwexit_next_name(wanted->names, wanted->len, &at, &name, &len))
		if (names_it(name, len, word))
			return true;
	return false;
}

/* Why nothing can be told, whatever came; or NULL. */
static const char *cannot_tell(const struct hwexit_list *list, const struct hwexit_wanted *wanted)
{
	const struct hwexit_config *config = &wanted->config;

	if (list->lost)
		return "exits of the processor were lost: there was no room for them";
	for (unsigned int i = 0; i < list->count; i++)
		if (list->exits[i].isa != HWEXIT_VMX && list->exits[i].isa != HWEXIT_SVM)
			return "the kernel names neither VMX nor SVM as what the processor has";
	if (wanted->own_port && wants(wanted, "mmio"))
		return "before a checkpoint, an operand in MMIO space cannot be told from faults "
		       "that fill memory in";
	if (config->known && !config->unrestricted && !wanted->paging)
		return "without unrestricted guests the hypervisor may interpret code that runs "
		       "without paging";
	if (!config->known && wants(wanted, "mmio"))
		return "it cannot be told whether guest memory is paged by the processor";
	if (config->known && !config->nested && wants(wanted, "shutdown"))
		return "without nested paging the hypervisor makes double and triple faults of "
		       "exceptions itself";
	return NULL;
}

static bool is_own_port(const struct hwexit *exit, const struct hwexit_wanted *wanted)
{
	struct hwexit_io io;

	return wanted->own_port && hwexit_io(exit, &io) && io.port == wanted->own_port;
}

/*
 * Whether to look on at the exits before this one, which is not what was named. A
 * hypervisor may take an exception itself first and then give it to the guest.
 */
static bool passes_over(const struct hwexit *exit, const struct hwexit_wanted *wanted)
{
	if (comes_any_time(exit))
		return true;
	if (!wanted->own_port)
		return false;
	return is_memory(exit, &wanted->config) ||
	       (wanted->vector >= 0 && hwexit_vector(exit) == wanted->vector);
}

enum hwexit_verdict hwexit_judge(const struct hwexit_list *list,
				 const struct hwexit_wanted *wanted,
				 const struct hwexit **seen, const char **why)
{
	bool own = false;

	*seen = NULL;
	*why = cannot_tell(list, wanted);
	if (*why)
		return HWEXIT_UNCHECKED;
	for (unsigned int i = list->count; i-- > 0;) {
		const struct hwexit *exit = &list->exits[i];
		enum hwexit_fit fit = fits_any(exit, wanted);

		if (fit == HWEXIT_NOT_ITS_NAME) {
			*why = "it names none of this processor's exits";
			return HWEXIT_UNCHECKED;
		}
		if (is_own_port(exit, wanted)) {
			own = true;
			continue;
		}
		*seen = exit;
		if (fit == HWEXIT_FITS)
			return HWEXIT_AS_EXPECTED;
		if (!passes_over(exit, wanted))
			return HWEXIT_OTHER;
	}
	*seen = NULL;
	if (own && !list->more)
		return HWEXIT_OTHER;
	*why = list->more ? "there were more exits of the processor than are kept" :
	       "the hypervisor did it without an exit of the processor for it: it interpreted the "
	       "instruction";
	return HWEXIT_UNCHECKED;
}

/* The value of a parameter as "MODULE.NAME=VALUE" among others: 1, 0, or -1 if not there. */
static int flag(const char *parameters, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = parameters; (at = strstr(at, name)); at += len) {
		if ((at != parameters && at[-1] != ' ') || at[len] != '=')
			continue;
		return strchr("1Yy", at[len + 1]) && at[len + 1];
	}
	return -1;
}

struct hwexit_config hwexit_config(const char *hypervisor, const char *parameters)
{
	struct hwexit_config config = { 0 };
	int nested, unrestricted = 1;

	if (!strcmp(hypervisor, "kvm_amd")) {
		nested = flag(parameters, "kvm_amd.npt");
	} else if (!strcmp(hypervisor, "kvm_intel")) {
		nested = flag(parameters, "kvm_intel.ept");
		unrestricted = flag(parameters, "kvm_intel.unrestricted_guest");
	} else {
		return config;
	}
	config.known = nested >= 0 && unrestricted >= 0;
	config.nested = nested > 0;
	config.unrestricted = unrestricted > 0;
	return config;
}
