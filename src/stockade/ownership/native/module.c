/* `stockade.ownership._edges`: who was handed what, in memory that processes share. See _edges.pyi. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "edges.h"

typedef struct {
  PyObject_HEAD
  table table;
  Py_buffer memory;
  bool passive;
} Edges;

enum { MOST_NAMES = 1024, MOST_SETS = 1 << 26 };

static PyObject *refuse(const char *why) {
  PyErr_SetString(PyExc_ValueError, why);
  return NULL;
}

/* What Python says. Each of these answers false with an exception set. */

/* It may hold half a surrogate pair: a token's claims are JSON. */
static bool read_text(const table *t, PyObject *given, uint64_t *out) {
  Py_ssize_t length;
  const char *text = PyUnicode_AsUTF8AndSize(given, &length);
  if (text != NULL) {
    *out = digest(t, text, (size_t)length);
    return true;
  }
  if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return false;
  PyErr_Clear();
  PyObject *bytes = PyUnicode_AsEncodedString(given, "utf-8", "surrogatepass");
  if (bytes == NULL) return false;
  char *data;
  bool good = PyBytes_AsStringAndSize(bytes, &data, &length) == 0;
  if (good) *out = digest(t, data, (size_t)length);
  Py_DECREF(bytes);
  return good;
}

/* Nobody's name is 0. */
static bool read_owner(const table *t, PyObject *given, uint64_t *out) {
  if (!read_text(t, given, out)) return false;
  if (*out == 0) *out = 1;
  return true;
}

static bool read_hours(PyObject *given, const char *why, uint64_t *out) {
  double seconds = PyFloat_AsDouble(given);
  if (seconds == -1.0 && PyErr_Occurred()) return false;
  if (!(seconds >= 0.0)) return refuse(why) != NULL;
  double hours = seconds / 3600.0;
  *out = hours < (double)HOUR_MASK ? (uint64_t)hours : HOUR_MASK;
  return true;
}

static bool read_moment(PyObject *at, PyObject *keep, moment *out, uint64_t *kept) {
  if (!read_hours(at, "the time is before 1970", &out->hour) || !read_hours(keep, "keep is negative", kept))
    return false;
  out->oldest = out->hour > *kept ? out->hour - *kept : 0;
  return true;
}

static bool is_open(const Edges *self, Py_ssize_t count, Py_ssize_t wanted) {
  if (self->table.header == NULL) return refuse("the table is closed") != NULL;
  return count == wanted || refuse("wrong number of arguments") != NULL;
}

static void begin(table *t, uint64_t kept, uint64_t *mine) {
  *mine = hold(&t->header->lock);
  if (kept < HOUR_MASK && t->header->keep < kept) t->header->keep = kept;
}

static void end(table *t, uint64_t mine) { release(&t->header->lock, mine); }

/* The methods. They never give up the interpreter's lock, see lock.h. */

static void note(table *t, uint64_t kind, uint64_t owner, bool own, moment at, uint64_t kept) {
  if (is_noted(t, use_key(t, kind, owner, own), at.oldest)) return;
  uint64_t mine;
  begin(t, kept, &mine);
  note_use(t, kind, owner, own, at);
  end(t, mine);
}

static PyObject *find_each(Edges *self, PyObject *ids, uint64_t kind, const uint64_t *owners, int count, moment at,
                           uint64_t kept) {
  Py_ssize_t many = PyTuple_Size(ids);
  PyObject *answer = PyTuple_New(many);
  bool own = false, other = false;
  for (Py_ssize_t i = 0; answer != NULL && i < many; i++) {
    uint64_t id;
    PyObject *number = NULL;
    if (read_text(&self->table, PyTuple_GetItem(ids, i), &id)) {
      int found = find(&self->table, object_key(&self->table, kind, id), owners, count, at.oldest);
      own = own || found == MINE;
      other = other || found > 0;
      number = PyLong_FromLong(found);
    }
    if (number == NULL || PyTuple_SetItem(answer, i, number) != 0) {
      Py_DECREF(answer);
      return NULL;
    }
  }
  if (self->passive || count == 0 || answer == NULL) return answer;
  if (own) note(&self->table, kind, owners[0], true, at, kept);
  if (other) note(&self->table, kind, owners[0], false, at, kept);
  return answer;
}

/* kind, ids, names, at, keep */
static PyObject *edges_find(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  uint64_t kind, kept, owners[MOST_NAMES];
  moment at;
  if (!is_open(self, count, 5) || !read_text(&self->table, args[0], &kind)) return NULL;
  if (!PyTuple_Check(args[1]) || !PyTuple_Check(args[2])) return refuse("ids and names are tuples");
  Py_ssize_t names = PyTuple_Size(args[2]);
  if (names > MOST_NAMES) names = MOST_NAMES;
  for (Py_ssize_t i = 0; i < names; i++)
    if (!read_owner(&self->table, PyTuple_GetItem(args[2], i), &owners[i])) return NULL;
  if (!read_moment(args[3], args[4], &at, &kept)) return NULL;
  return find_each(self, args[1], kind, owners, (int)names, at, kept);
}

typedef struct { uint64_t object, owner, kept, mine; moment at; } change;

/* kind, id, name, at, keep */
static bool read_change(Edges *self, PyObject *const *args, Py_ssize_t count, Py_ssize_t wanted, change *out) {
  uint64_t kind, id;
  const table *t = &self->table;
  if (!is_open(self, count, wanted) || !read_text(t, args[0], &kind) || !read_text(t, args[1], &id)) return false;
  out->object = object_key(t, kind, id);
  if (wanted > 2 && !read_owner(t, args[2], &out->owner)) return false;
  return wanted < 5 || read_moment(args[3], args[4], &out->at, &out->kept);
}

static PyObject *edges_hold(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  change c;
  if (!read_change(self, args, count, 6, &c)) return NULL;
  int exclusive = PyObject_IsTrue(args[5]);
  if (exclusive < 0) return NULL;
  begin(&self->table, c.kept, &c.mine);
  int done = hold_edge(&self->table, c.object, c.owner, c.at, exclusive);
  end(&self->table, c.mine);
  return PyLong_FromLong(done);
}

static PyObject *edges_move(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  change c;
  if (!read_change(self, args, count, 5, &c)) return NULL;
  begin(&self->table, c.kept, &c.mine);
  hold_anew(&self->table, look(&self->table, c.object), c.object, c.owner, c.at.hour);
  end(&self->table, c.mine);
  Py_RETURN_NONE;
}

static PyObject *edges_drop(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  change c;
  if (!read_change(self, args, count, 3, &c)) return NULL;
  begin(&self->table, 0, &c.mine);
  bool dropped = drop(&self->table, c.object, c.owner);
  end(&self->table, c.mine);
  return PyBool_FromLong(dropped);
}

static PyObject *edges_forget(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  change c;
  if (!read_change(self, args, count, 2, &c)) return NULL;
  begin(&self->table, 0, &c.mine);
  bool forgotten = clear(&self->table, c.object);
  end(&self->table, c.mine);
  return PyBool_FromLong(forgotten);
}

static PyObject *edges_last(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  change c;
  if (!read_change(self, args, count, 3, &c)) return NULL;
  return PyLong_FromUnsignedLongLong(last_handed(&self->table, c.object, c.owner) * 3600);
}

static PyObject *edges_note_first(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  uint64_t kind, mine;
  if (!is_open(self, count, 2) || !read_text(&self->table, args[0], &kind)) return NULL;
  double at = PyFloat_AsDouble(args[1]);
  if (at == -1.0 && PyErr_Occurred()) return NULL;
  if (!(at >= 0.0 && at < 1e15)) return refuse("the time makes no sense");
  kind_row *row = row_of(&self->table, kind, false);
  if (row != NULL && row->since != 0) Py_RETURN_NONE;
  begin(&self->table, 0, &mine);
  row = row_of(&self->table, kind, true);
  if (row->since == 0) row->since = at < 1.0 ? 1 : (uint64_t)at;
  end(&self->table, mine);
  Py_RETURN_NONE;
}

static PyObject *edges_learned(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  uint64_t kind;
  if (!is_open(self, count, 1) || !read_text(&self->table, args[0], &kind)) return NULL;
  kind_row none = {0, 0, 0, 0}, *row = row_of(&self->table, kind, false);
  if (row == NULL) row = &none;
  return Py_BuildValue("KKK", row->since, row->owners, row->others);
}

/* All that another table knows and that is not forgotten; ours is new. Their digests must be of one key. */
static PyObject *edges_adopt(PyObject *object, PyObject *const *args, Py_ssize_t count) {
  Edges *self = (Edges *)object;
  moment at;
  uint64_t kept, mine;
  if (!is_open(self, count, 2)) return NULL;
  if (Py_TYPE(args[0]) != Py_TYPE(object) || ((Edges *)args[0])->table.header == NULL) return refuse("no open table");
  if (!read_moment(args[1], args[1], &at, &kept)) return NULL;
  table *from = &((Edges *)args[0])->table, *to = &self->table;
  if (memcmp(from->header->key, to->header->key, sizeof to->header->key) != 0) return refuse("tables of two keys");
  begin(to, from->header->keep, &mine);
  memcpy(to->header->kinds, from->header->kinds, sizeof to->header->kinds);
  to->header->turns = from->header->turns;
  for (uint64_t i = 0; i < from->header->sets * WAYS; i++) {
    const entry *e = &from->sets[i / WAYS].entries[i % WAYS];
    if (e->key != 0 && !is_stale(from, last_any(e->data), at.hour))
      put(to, e->key, e->owner ^ veil(e->key), e->data, at.hour);
  }
  end(to, mine);
  Py_RETURN_NONE;
}

static PyObject *edges_key(PyObject *object, void *unused) {
  (void)unused;
  const Edges *self = (Edges *)object;
  if (!is_open(self, 0, 0)) return NULL;
  return PyBytes_FromStringAndSize((const char *)self->table.header->key, sizeof self->table.header->key);
}

static PyObject *edges_used(PyObject *object, void *unused) {
  (void)unused;
  return is_open((Edges *)object, 0, 0) ? PyLong_FromUnsignedLongLong(((Edges *)object)->table.header->used) : NULL;
}

static PyObject *edges_evicted(PyObject *object, void *unused) {
  (void)unused;
  return is_open((Edges *)object, 0, 0) ? PyLong_FromUnsignedLongLong(((Edges *)object)->table.header->evicted) : NULL;
}

static PyObject *edges_room(PyObject *object, void *unused) {
  (void)unused;
  if (!is_open((Edges *)object, 0, 0)) return NULL;
  return PyLong_FromUnsignedLongLong(((Edges *)object)->table.header->sets * WAYS);
}

/* Its life. */

static PyObject *edges_close(PyObject *object, PyObject *unused) {
  (void)unused;
  Edges *self = (Edges *)object;
  if (self->table.header != NULL) PyBuffer_Release(&self->memory);
  self->table.header = NULL;
  Py_RETURN_NONE;
}

static uint64_t sets_in(Py_ssize_t size) {
  uint64_t sets = (size_t)size < sizeof(header) ? 0 : ((size_t)size - sizeof(header)) / sizeof(set);
  return sets <= MOST_SETS ? sets : 0;
}

static const char *trouble_with(const Py_buffer *memory) {
  const header *h = memory->buf;
  uint64_t sets = sets_in(memory->len);
  if (sets == 0 || (uintptr_t)memory->buf % sizeof(uint64_t) != 0) return "its size is wrong";
  if (memcmp(h->magic, MAGIC, sizeof MAGIC) != 0) return "it does not begin as one";
  if (h->version != VERSION || h->ways != WAYS) return "it is another version's";
  return h->sets == sets && sizeof(header) + sets * sizeof(set) == (size_t)memory->len ? NULL : "its size is wrong";
}

/* The magic comes last: nobody believes half a header. */
static const char *make(const Py_buffer *memory, const char *key) {
  header *h = memory->buf;
  if (sets_in(memory->len) == 0) return "its size is wrong";
  h->version = VERSION;
  h->ways = WAYS;
  h->sets = sets_in(memory->len);
  memcpy(h->key, key, sizeof h->key);
  atomic_thread_fence(memory_order_release);
  memcpy(h->magic, MAGIC, sizeof MAGIC);
  return NULL;
}

static PyObject *edges_new(PyTypeObject *type, PyObject *args, PyObject *names) {
  static char *known[] = {"memory", "key", "passive", NULL};
  PyObject *memory;
  const char *key = NULL;
  Py_ssize_t length = 0;
  int passive = 0;
  if (!PyArg_ParseTupleAndKeywords(args, names, "O|y#p:Edges", known, &memory, &key, &length, &passive)) return NULL;
  if (key != NULL && length != 16) return refuse("the key has not 16 bytes");
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  Edges *self = (Edges *)allocate(type, 0);
  if (self == NULL) return NULL;
  self->passive = passive;
  if (PyObject_GetBuffer(memory, &self->memory, PyBUF_WRITABLE) != 0) goto failed;
  const char *trouble = key != NULL ? make(&self->memory, key) : NULL;
  if (trouble == NULL) trouble = trouble_with(&self->memory);
  if (trouble != NULL) {
    PyErr_Format(PyExc_ValueError, "this is no table of owners: %s", trouble);
    PyBuffer_Release(&self->memory);
    goto failed;
  }
  self->table = (table){self->memory.buf, (set *)((char *)self->memory.buf + sizeof(header))};
  return (PyObject *)self;
failed:
  Py_DECREF(self);
  return NULL;
}

static void edges_dealloc(PyObject *object) {
  PyTypeObject *type = Py_TYPE(object);
  if (((Edges *)object)->table.header != NULL) PyBuffer_Release(&((Edges *)object)->memory);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
  Py_DECREF(type);
}

static PyObject *size_of(PyObject *unused, PyObject *given) {
  (void)unused;
  unsigned long long sets = PyLong_AsUnsignedLongLong(given);
  if (PyErr_Occurred()) return NULL;
  return sets > 0 && sets <= MOST_SETS ? PyLong_FromSize_t(sizeof(header) + sets * sizeof(set))
                                       : refuse("that many sets there cannot be");
}

#define METHOD(name) {#name, (PyCFunction)(void (*)(void))edges_##name, METH_FASTCALL, NULL}
static PyMethodDef edges_methods[] = {
    METHOD(find),  METHOD(hold), METHOD(move),       METHOD(drop),    METHOD(forget),
    METHOD(adopt), METHOD(last), METHOD(note_first), METHOD(learned), {"close", edges_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef edges_fields[] = {
    {"key", edges_key, NULL, NULL, NULL},         {"used", edges_used, NULL, NULL, NULL},
    {"evicted", edges_evicted, NULL, NULL, NULL}, {"room", edges_room, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot edges_slots[] = {
    {Py_tp_new, edges_new},           {Py_tp_dealloc, edges_dealloc}, {Py_tp_methods, edges_methods},
    {Py_tp_getset, edges_fields},     {0, NULL},
};

static PyType_Spec edges_spec = {"stockade.ownership._edges.Edges", sizeof(Edges), 0, Py_TPFLAGS_DEFAULT, edges_slots};

static PyMethodDef functions[] = {{"size_of", size_of, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static int execute(PyObject *module) {
  know_me();
  if (pthread_atfork(NULL, NULL, know_me) != 0) return -1;
  PyObject *type = PyType_FromModuleAndSpec(module, &edges_spec, NULL);
  if (type == NULL) return -1;
  int failed = PyModule_AddType(module, (PyTypeObject *)type);
  Py_DECREF(type);
  return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_edges", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__edges(void) { return PyModuleDef_Init(&definition); }
