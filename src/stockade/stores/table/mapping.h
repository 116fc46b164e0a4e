/* Memory that processes share: nameless, or a file's. A file is believed when it is a table of this version, whole. */
#pragma once
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "sets.h"

enum { MOST_SETS = 1 << 24 };  /* 2 GiB */

static size_t size_for(uint64_t sets) { return sizeof(header) + sets * sizeof(set); }

/* False with errno. */
static bool map(table *t, int file, size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
  if (memory == MAP_FAILED) return false;
  t->header = memory;
  t->sets = (set *)((char *)memory + sizeof(header));
  t->size = size;
  return true;
}

/* A new table, in an empty file when there is one (else -1). The magic comes last: nobody believes half a header. */
static bool make(table *t, int file, uint64_t sets) {
  uint64_t key[2];
  size_t size = size_for(sets);
  if (getentropy(key, sizeof key) != 0) return false;
  if ((file >= 0 && ftruncate(file, (off_t)size) != 0) || !map(t, file, size)) return false;
  t->header->version = VERSION;
  t->header->ways = WAYS;
  t->header->sets = sets;
  memcpy(t->header->key, key, sizeof key);
  atomic_thread_fence(memory_order_release);
  memcpy(t->header->magic, MAGIC, sizeof MAGIC);
  return true;
}

static bool is_count_of_sets(uint64_t sets) { return sets > 0 && sets <= MOST_SETS && (sets & (sets - 1)) == 0; }

/* Why the file is not to be believed; NULL when it is. */
static const char *trouble_with(int file, header *found, struct stat *status) {
  if (fstat(file, status) != 0) return "it cannot be looked at";
  if (!S_ISREG(status->st_mode)) return "it is no file";
  if (status->st_uid != geteuid() || status->st_mode & 077) return "others than its owner may use it";
  if (pread(file, found, sizeof *found, 0) != sizeof *found) return "it is too short";
  if (memcmp(found->magic, MAGIC, sizeof MAGIC) != 0) return "it does not begin as one";
  if (found->version != VERSION || found->ways != WAYS) return "it is another version's";
  if (!is_count_of_sets(found->sets) || (uint64_t)status->st_size != size_for(found->sets)) return "its size is wrong";
  return NULL;
}
