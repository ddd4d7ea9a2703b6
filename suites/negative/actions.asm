; SPDX-License-Identifier: GPL-2.0-only
; Actions whose result is not what the case says.
%include "goodbad.inc"
modes long64

;! fail step=1 why="KVM_SET_USER_MEMORY_REGION failed"
;! KVM_SET_USER_MEMORY_REGION "File exists" "Invalid argument"
case errno, "Another errno than expected"
	ref	"KVM API 4.35"
	action	memslot, id=9, gpa=0x200800, size=0x1000, hva=0, errno=PICK(EINVAL, EEXIST)
	checkpoint

;! fail step=1 why="KVM_SET_USER_MEMORY_REGION did not fail"
;! KVM_SET_USER_MEMORY_REGION "Invalid argument" success
case not_refused, "What should be refused and is not"
	ref	"KVM API 4.35"
	good	action memslot, id=9, gpa=0x200800, size=0x1000, hva=0, errno=EINVAL
	bad	action memslot, id=9, gpa=0x200000, size=0x1000, hva=0, errno=EINVAL
	checkpoint

;! fail step=1 why="KVM_SET_USER_MEMORY_REGION failed"
;! KVM_SET_USER_MEMORY_REGION success "Invalid argument"
case refused, "What should work and is refused"
	ref	"KVM API 4.35"
	action	memslot, id=9, gpa=PICK(0x200000, 0x200800), size=0x1000, hva=0
	checkpoint

;! fail step=3 why="ev_nmi_masked is not as expected"
;! ev_nmi_masked 0 0x1
case events, "An event's state that is not as set"
	ref	"KVM API 4.31"
	checkpoint
	action	set, ev_nmi_masked=1
	action	check, ev_nmi_masked=PICK(1, 0)
	checkpoint

;! fail step=1 why="rbx is not as expected"
;! rbx 0x5 0x4
case check_register, "A register that a check finds otherwise"
	ref	"KVM API 4.11"
	given	rbx=4
	action	check, rbx=PICK(4, 5)
	checkpoint

;! fail step=3 why="the state is not as expected"
;! rbx 0x7 0x5
case set_register, "A register that was set and then changes"
	ref	"KVM API 4.12"
	given	rbx=4
	checkpoint
	action	set, rbx=7
	mov	bl, PICK(7, 5)
	checkpoint

;! fail step=1 why="MSRs written by KVM_SET_MSRS is not as expected"
;! "MSRs written by KVM_SET_MSRS" 0 0x1
case msr_not_refused, "An MSR's value that should be refused and is not"
	ref	"SDM 3 3.4.4"
	action	set_msr, index=MSR_KERNEL_GS_BASE, value=PICK(1 << 63, 6), refused=1
	checkpoint

;! fail step=2 why="msr is not as expected"
;! msr 0x7 0x6
case msr_value, "An MSR's value that is not as set"
	ref	"KVM API 4.19"
	action	set_msr, index=MSR_PAT, value=6
	action	check_msr, index=MSR_PAT, value=PICK(6, 7)
	checkpoint

;! fail step=0 why="MSRs written by KVM_SET_MSRS is not as expected"
;! "MSRs written by KVM_SET_MSRS" 0x1 0
case msr_given, "An MSR that cannot be given the value it starts with"
	ref	"SDM 3 3.4.4"
	msr	MSR_KERNEL_GS_BASE, PICK(6, 1 << 63)
	checkpoint

;! fail step=1 why="gpa is not as expected"
;! gpa 0x8000 0x7123
case translate, "Another translation than expected"
	ref	"KVM API 4.15"
	action	translate, address=SCRATCH + 0x123, valid=1, gpa=PICK(SCRATCH + 0x123, TEXT)
	checkpoint

;! fail step=1 why="valid is not as expected"
;! valid 0 0x1
case translate_valid, "A translation where none is expected"
	ref	"KVM API 4.15"
	action	translate, address=PICK(0x40000000, SCRATCH), valid=0
	checkpoint

;! fail step=3 why="dirty pages is not as expected"
;! "dirty pages" 0xa 0x2
case dirty_too_few, "A page that should be dirty and is not"
	ref	"KVM API 4.8"
	given	rax=0x41
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
	mov	[PAGES + 0x1000], al
	checkpoint
	writes	PAGES + 0x1000, db, 0x41
	action	dirty_log, id=SLOT_PAGES, pages=PICK(0x02, 0x0a)

;! fail step=3 why="dirty pages is not as expected"
;! "dirty pages" 0x2 0xa
case dirty_too_many, "A page that is dirty and should not be"
	ref	"KVM API 4.8"
	given	rax=0x41
	action	memslot, id=SLOT_PAGES, gpa=PAGES, size=0x8000, hva=PAGES, slot_flags=KVM_MEM_LOG_DIRTY_PAGES
	mov	[PAGES + 0x1000], al
	mov	[PAGES + 0x3000], al
	checkpoint
	writes	PAGES + 0x1000, db, 0x41
	writes	PAGES + 0x3000, db, 0x41
	action	dirty_log, id=SLOT_PAGES, pages=PICK(0x0a, 0x02)

;! fail step=3 why="signals of the eventfd is not as expected"
;! "signals of the eventfd" 0x2 0x1
case eventfd, "An eventfd that is signalled less often than expected"
	ref	"KVM API 4.59"
	action	ioeventfd, id=0, address=0x20, size=1, flags=KVM_IOEVENTFD_FLAG_PIO
	out	0x20, al
	good	out 0x20, al
	checkpoint
	action	eventfd_is, id=0, count=2

;! fail step=2 why="another exit than expected"
;! exit checkpoint "io_out port=0x20 size=1 count=1*"
case no_ioeventfd, "An exit where an eventfd should take it"
	ref	"KVM API 4.59"
	action	ioeventfd, id=0, address=PICK(0x20, 0x21), size=1, flags=KVM_IOEVENTFD_FLAG_PIO
	out	0x20, al
	checkpoint

;! fail step=3 why="data is not as expected"
;! data 0x42 0x41
case coalesced_data, "Other data in the coalesced ring"
	ref	"KVM API 4.116"
	given	rax=0x41
	action	coalesce, address=MMIO, size=8
	mov	[MMIO], al
	checkpoint
	action	coalesced_is, address=MMIO, size=1, data=PICK(0x41, 0x42)

;! fail step=3 why="the coalesced ring is empty"
case coalesced_empty, "An empty ring where an access is expected"
	ref	"KVM API 4.116"
	given	rax=0x41
	action	coalesce, address=MMIO, size=8
	PICK({mov [MMIO], al}, {mov [SCRATCH], ah})
	checkpoint
	action	coalesced_is, address=MMIO, size=1, data=0x41

;! fail step=3 why="entries of the coalesced ring is not as expected"
;! "entries of the coalesced ring" 0 0x1
case coalesced_more, "An access in the ring that should not be there"
	ref	"KVM API 4.116"
	given	rax=0x41
	action	coalesce, address=MMIO, size=8
	PICK({mov [SCRATCH], ah}, {mov [MMIO], al})
	checkpoint
	action	coalesced_is, count=0

;! fail step=1 why="KVM_GET_API_VERSION is not as expected"
;! KVM_GET_API_VERSION 0xb 0xc
case result, "Another result of an ioctl"
	ref	"KVM API 4.1"
	action	call, text="KVM_GET_API_VERSION", result=PICK(12, 11)
	checkpoint

;! error step=1 why="there is no call named KVM_GET_NOTHING"
case no_such_call, "An ioctl that the runner does not know is the case's error"
	ref	"KVM API 4.1"
	action	call, text=PICK("KVM_GET_API_VERSION", "KVM_GET_NOTHING"), result=12
	checkpoint

;! fail step=2 why="another exception than expected"
;! vector 64 65
;! rip 0x3202 0x320a
case interrupt, "Another interrupt than expected"
	ref	"KVM API 4.16"
	given	rflags=2 | IF
	action	interrupt, vector=PICK(64, 65)
	expect	exception, vector=64, rip=case_interrupt
	checkpoint

;! fail step=2 why="another exit than expected"
;! exit "exception vector=64" "io_out port=0xf0 size=1 count=1*"
case no_interrupt, "An interrupt that does not come"
	ref	"KVM API 4.16"
	given	rflags=2 | IF
	good	action interrupt, vector=64
	bad	action request_window, value=0
	expect	exception, vector=64, rip=case_no_interrupt
	checkpoint

;! fail step=2 why="another exit than expected"
;! exit intr "io_out port=0xf0 size=1 count=1*"
case no_intr, "KVM_RUN that should come back at once and runs the guest"
	ref	"KVM API 5"
	good	action immediate_exit
	bad	action request_window, value=0
	expect	intr
	checkpoint

;! fail step=0,1 why="the target refuses the (initial )?state.*: Invalid argument"
case initial_state, "An initial state that the target refuses"
	ref	"SDM 3 2.5"
	bad	given cr4=CR4_PAE | 1 << 40
	checkpoint
