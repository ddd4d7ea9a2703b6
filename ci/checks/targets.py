# SPDX-License-Identifier: GPL-2.0-only
"""The targets that have a name: ci/targets.json, read strictly."""

import dataclasses
import json

ALL = 'all'


class TargetError(Exception):
    """A target is unknown or described wrongly; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Target:
    """A device node of this machine, or a lab with what is special about it."""

    name: str
    text: str
    node: str = ''              # device node of this machine
    lab: str = ''               # or "svm", "vmx", "svm-bochs"
    hypervisor: str = 'kvm'     # whose modules the lab loads: "kvm", or "assay" for assay.ko
    kernel: str = ''            # version of the lab's kernel; '': the lab's own choice
    params: tuple = ()          # "kvm_amd.npt=0": of the lab's kernel modules
    smp: int = 1                # processors of the lab that runs the suite smp
    seconds: int = 600          # that a lab may take
    timeout: int = 0            # ms in the guest at a time; 0: what assay run gives

    def device(self):
        """The device node of the hypervisor, here or in the lab."""
        return self.node or f'/dev/{self.hypervisor}'

    def arguments(self, given):
        """For assay run: what was given on the command line, else the target's own."""
        return given or (['--timeout', str(self.timeout)] if self.timeout else [])

    def beside(self, other):
        """Whether the other is stock KVM, as it comes, in this one's lab."""
        return bool(self.lab) and other.hypervisor == 'kvm' and not other.params and \
            (other.lab, other.kernel) == (self.lab, self.kernel)


def parse(name, entry, file):
    """One entry of the file as a Target."""
    known = {field.name for field in dataclasses.fields(Target)} - {'name'}
    for key in sorted(set(entry) - known):
        raise TargetError(f'{file}: target {name} has a "{key}", which means nothing here')
    if not entry.get('text'):
        raise TargetError(f'{file}: target {name} has no "text" that says what it is')
    if bool(entry.get('node')) == bool(entry.get('lab')):
        raise TargetError(f'{file}: target {name} must have a "node" or a "lab", one of them')
    whose = entry.get('hypervisor', 'kvm')
    if whose not in ('kvm', 'assay') or (whose == 'assay' and not entry.get('lab')):
        raise TargetError(f'{file}: target {name} has the "hypervisor" "{whose}": it is "kvm", or '
                          '"assay" in a lab')
    return Target(name=name, **{**entry, 'params': tuple(entry.get('params', ()))})


def load(file):
    """All targets of the file by name, in its order."""
    try:
        with open(file, encoding='utf-8') as source:
            entries = json.load(source)
    except (OSError, ValueError) as error:
        raise TargetError(f'{file}: {error}') from None
    return {name: parse(name, entry, file) for name, entry in entries.items()}


def choose(known, names):
    """The targets of those names in their order, each once; `all` is every one there is."""
    chosen = {}
    for name in names:
        if name != ALL and name not in known:
            raise TargetError(f'there is no target "{name}": it is one of '
                              f'{", ".join(known)}, or {ALL}')
        for each in known if name == ALL else [name]:
            chosen[each] = known[each]
    return list(chosen.values())
