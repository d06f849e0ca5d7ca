/*
 * objc_msgSend: finds the method and jumps to it with every argument where it was, as the real one does. x86-64 has a
 * second entry for structures that are given through memory, where the first argument is that memory; arm64 has none,
 * since the address of that memory is in a register of its own, x8.
 */
#ifdef __x86_64__
.macro FIND_AND_JUMP object selector structure
  pushq %rbp
  movq %rsp, %rbp
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %r8
  pushq %r9
  subq $128, %rsp
  movdqu %xmm0, (%rsp)
  movdqu %xmm1, 16(%rsp)
  movdqu %xmm2, 32(%rsp)
  movdqu %xmm3, 48(%rsp)
  movdqu %xmm4, 64(%rsp)
  movdqu %xmm5, 80(%rsp)
  movdqu %xmm6, 96(%rsp)
  movdqu %xmm7, 112(%rsp)
  movq \object, %rdi
  movq \selector, %rsi
  movl \structure, %edx
  call stub_method
  movq %rax, %r11
  movdqu (%rsp), %xmm0
  movdqu 16(%rsp), %xmm1
  movdqu 32(%rsp), %xmm2
  movdqu 48(%rsp), %xmm3
  movdqu 64(%rsp), %xmm4
  movdqu 80(%rsp), %xmm5
  movdqu 96(%rsp), %xmm6
  movdqu 112(%rsp), %xmm7
  addq $128, %rsp
  popq %r9
  popq %r8
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rbp
  jmp *%r11
.endm

  .text
  .globl objc_msgSend
  .type objc_msgSend, @function
objc_msgSend:
  testq %rdi, %rdi
  jz stub_nothing
  FIND_AND_JUMP %rdi %rsi $0

/* What nil answers. */
  .globl stub_nothing
  .hidden stub_nothing
stub_nothing:
  xorl %eax, %eax
  xorl %edx, %edx
  pxor %xmm0, %xmm0
  pxor %xmm1, %xmm1
  ret

  .globl objc_msgSend_stret
  .type objc_msgSend_stret, @function
objc_msgSend_stret:
  testq %rsi, %rsi
  jz 1f
  FIND_AND_JUMP %rsi %rdx $1
1:
  movq %rdi, %rax
  ret
#endif

#ifdef __aarch64__
  .text
  .globl objc_msgSend
  .type objc_msgSend, %function
objc_msgSend:
  cbz x0, stub_nothing
  stp x29, x30, [sp, #-224]!
  mov x29, sp
  stp x0, x1, [sp, #16]
  stp x2, x3, [sp, #32]
  stp x4, x5, [sp, #48]
  stp x6, x7, [sp, #64]
  str x8, [sp, #80]
  stp q0, q1, [sp, #96]
  stp q2, q3, [sp, #128]
  stp q4, q5, [sp, #160]
  stp q6, q7, [sp, #192]
  mov x2, #0
  bl stub_method
  mov x16, x0
  ldp q0, q1, [sp, #96]
  ldp q2, q3, [sp, #128]
  ldp q4, q5, [sp, #160]
  ldp q6, q7, [sp, #192]
  ldr x8, [sp, #80]
  ldp x0, x1, [sp, #16]
  ldp x2, x3, [sp, #32]
  ldp x4, x5, [sp, #48]
  ldp x6, x7, [sp, #64]
  ldp x29, x30, [sp], #224
  br x16

/* What nil answers. */
  .globl stub_nothing
  .hidden stub_nothing
stub_nothing:
  mov x0, #0
  mov x1, #0
  movi d0, #0
  movi d1, #0
  ret
#endif

  .section .note.GNU-stack, "", %progbits
