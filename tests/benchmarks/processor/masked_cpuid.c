/* Preloaded into a program, this hides instruction sets from it.
 *
 * The kernel makes CPUID fault (arch_prctl ARCH_SET_CPUID; Linux on x86 with "cpuid_fault"), and a handler answers
 * from a table that was read before, without the bits that FETTLE_HIDDEN_CPUID lists as "leaf.subleaf.register=mask"
 * (hexadecimal, register a to d), separated by commas. Threads and forks inherit the fault; new programs load this
 * library again. Instructions themselves stay usable: only what asks CPUID, as all engines do, is kept from them.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define LEAVES 0x28
#define SUBLEAVES 0x20
#define WITH_SUBLEAVES 0x19fd95a890ull /* leaves 4, 7, b, d, f, 10, 12, 14, 17, 18, 1a to 1f and 20, 23, 24 */

typedef int (*sigaction_t)(int, const struct sigaction *, struct sigaction *);

static uint32_t basic[LEAVES][SUBLEAVES][4], extended[LEAVES][4], hypervisor[4];
static struct sigaction theirs;
static sigaction_t real_sigaction;
static int is_on;

static void answer(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    static const uint32_t nothing[4];
    const uint32_t *row = nothing;
    if (leaf < LEAVES && !(WITH_SUBLEAVES >> leaf & 1)) subleaf = 0; /* callers leave anything in ECX there */
    if (leaf < LEAVES && subleaf < SUBLEAVES) row = basic[leaf][subleaf];
    else if (leaf >= 0x80000000u && leaf < 0x80000000u + LEAVES) row = extended[leaf - 0x80000000u];
    else if (leaf == 0x40000000u) row = hypervisor;
    memcpy(out, row, sizeof nothing);
}

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    if (info->si_code > 0 && info->si_addr == NULL && code[0] == 0x0f && code[1] == 0xa2) {
        uint32_t out[4];
        answer((uint32_t)registers[REG_RAX], (uint32_t)registers[REG_RCX], out);
        registers[REG_RAX] = out[0];
        registers[REG_RBX] = out[1];
        registers[REG_RCX] = out[2];
        registers[REG_RDX] = out[3];
        registers[REG_RIP] += 2;
        return;
    }
    if (theirs.sa_flags & SA_SIGINFO) theirs.sa_sigaction(number, info, context);
    else if (theirs.sa_handler != SIG_DFL && theirs.sa_handler != SIG_IGN) theirs.sa_handler(number);
    else {
        struct sigaction plain = {.sa_handler = SIG_DFL};
        real_sigaction(SIGSEGV, &plain, NULL);
    }
}

/* The program's own handler of memory faults is kept and called for all other faults. */
int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
    if (!real_sigaction) real_sigaction = (sigaction_t)dlsym(RTLD_NEXT, "sigaction");
    if (number != SIGSEGV || !is_on) return real_sigaction(number, new, old);
    if (old) *old = theirs;
    if (new) theirs = *new;
    return 0;
}

static void hide(void) {
    const char *listed = getenv("FETTLE_HIDDEN_CPUID");
    unsigned leaf, subleaf, mask;
    char name;
    while (listed && sscanf(listed, "%x.%x.%c=%x", &leaf, &subleaf, &name, &mask) == 4) {
        if (leaf < LEAVES && subleaf < SUBLEAVES && name >= 'a' && name <= 'd')
            basic[leaf][subleaf][name - 'a'] &= ~mask;
        listed = strchr(listed, ',');
        if (listed) listed++;
    }
}

__attribute__((constructor)) static void begin(void) {
    for (uint32_t leaf = 0; leaf < LEAVES; leaf++) {
        for (uint32_t subleaf = 0; subleaf < SUBLEAVES; subleaf++) {
            uint32_t *row = basic[leaf][subleaf];
            __cpuid_count(leaf, subleaf, row[0], row[1], row[2], row[3]);
        }
        uint32_t *row = extended[leaf];
        __cpuid(0x80000000u + leaf, row[0], row[1], row[2], row[3]);
    }
    __cpuid(0x40000000u, hypervisor[0], hypervisor[1], hypervisor[2], hypervisor[3]);
    hide();
    struct sigaction own = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    if (!real_sigaction) real_sigaction = (sigaction_t)dlsym(RTLD_NEXT, "sigaction");
    real_sigaction(SIGSEGV, &own, &theirs);
    is_on = 1;
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) != 0) {
        perror("CPUID cannot be hidden on this processor");
        _exit(3);
    }
}
