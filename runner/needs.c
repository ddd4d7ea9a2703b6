// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an instance needs of the target before it can run, beyond its VM.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "worker.h"

static char *feature_of_text(const struct target *target, const struct field *text)
{
	char name[64] = "";

	memcpy(name, text->blob, text->bytes < sizeof(name) ? text->bytes : sizeof(name) - 1);
	return feature_missing(target, name);
}

static char *irqchip_missing(const struct target *target, unsigned int irqchip)
{
	switch (irqchip) {
	case IRQCHIP_SPLIT:
		return feature_missing(target, "cap_split_irqchip");
	case IRQCHIP_KERNEL:
		return feature_missing(target, "cap_irqchip");
	default:
		return NULL;
	}
}

static char *uses_missing(const struct target *target, unsigned int uses)
{
	char *missing = NULL;

	if (uses & USES_AVX)
		missing = feature_missing(target, "avx");
	if (!missing && uses & USES_SSE)
		missing = feature_missing(target, "sse2");
	return missing;
}

static char *cpus_missing(const struct target *target, unsigned int cpus)
{
	int most;

	if (cpus == 1)
		return NULL;
	most = ioctl(target->fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	return most >= (int)cpus ? NULL :
		xasprintf("%s gives a VM %d vCPU, not %u", target->path, most < 1 ? 1 : most, cpus);
}

char *instance_missing(const struct target *target, const struct instance *instance)
{
	const struct mg_case *tc = instance->tc;
	char *missing = NULL;

	if (instance->path == PATH_FEP && !target->fep)
		return xstrdup(target->fep_missing);
	if (tc->image->mode == MODE_LONG64_5L)
		missing = feature_missing(target, "la57");
	if (!missing)
		missing = irqchip_missing(target, instance->irqchip);
	if (!missing)
		missing = uses_missing(target, tc->uses);
	if (!missing)
		missing = cpus_missing(target, tc->cpus);
	for (u32 i = 0; !missing && i < tc->nrecords; i++)
		if (tc->records[i].kind == REC_NEED)
			missing = feature_of_text(target, record_field(&tc->records[i], F_text));
	return missing;
}
