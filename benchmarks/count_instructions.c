// A QEMU plugin that counts the instructions of an emulated program between marks.
//
//   gcc -O2 -shared -fPIC -o count_instructions.so count_instructions.c
//   qemu-aarch64 -plugin count_instructions.so,out=FILE program
//
// The program makes a mark by closing a file descriptor that cannot exist, 0x7e570000 + n: the kernel refuses that, and
// the line "n instructions" is written to FILE. One thread only: the counter is not atomic. Debian ships no
// qemu-plugin.h, so what is used of its version 1 (QEMU 6 to 8) is declared here.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MARK 0x7e57u

struct block;
typedef uint64_t plugin_id;
typedef struct {
  const char *target_name;
  struct { int minimum, current; } version;
  _Bool system_emulation;
  int virtual_processors, most_processors;
} plugin_info;

enum { ADD_U64 = 0 };
size_t qemu_plugin_tb_n_insns(const struct block *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct block *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct block *, int operation, void *counter, uint64_t amount);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, void (*)(plugin_id, unsigned processor, int64_t number, uint64_t,
                                                              uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                              uint64_t, uint64_t));

EXPORT int qemu_plugin_version = 1;

static uint64_t instructions;
static int64_t close_number;
static FILE *output;

// Each time a block of instructions has been translated: let every run of it add their number.
static void translated(plugin_id id, struct block *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &instructions, qemu_plugin_tb_n_insns(block));
}

static void called(plugin_id id, unsigned processor, int64_t number, uint64_t first, uint64_t b, uint64_t c, uint64_t d,
                   uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
  (void)id, (void)processor, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number != close_number || (uint32_t)first >> 16 != MARK) return;
  fprintf(output, "%u %llu\n", (unsigned)(first & 0xffff), (unsigned long long)instructions);
  fflush(output);
}

EXPORT int qemu_plugin_install(plugin_id id, const plugin_info *info, int count, char **arguments) {
  close_number = strcmp(info->target_name, "aarch64") == 0 ? 57 : 6;
  for (int i = 0; i < count; i++)
    if (strncmp(arguments[i], "out=", 4) == 0) output = fopen(arguments[i] + 4, "w");
  if (!output) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
