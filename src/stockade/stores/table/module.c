/* `stockade.stores._table`: counters in memory that processes share. See _table.pyi for what it offers. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "mapping.h"
#include "takes.h"

typedef struct {
  PyObject_HEAD
  table table;
} Table;

static PyObject *refuse(const char *why) {
  PyErr_SetString(PyExc_ValueError, why);
  return NULL;
}

/* What Python says. Each of these answers false with an exception set. */

/* Greater numbers than fit are as good as the greatest that does. */
static bool read_number(PyObject *given, int64_t smallest, const char *why, int64_t *out) {
  int overflow = 0;
  *out = PyLong_AsLongLongAndOverflow(given, &overflow);
  if (*out == -1 && PyErr_Occurred()) return false;
  if (overflow > 0) *out = INT64_MAX;
  return (overflow >= 0 && *out >= smallest) || refuse(why) != NULL;
}

static bool read_time(PyObject *given, int64_t *now) {
  double at = PyFloat_AsDouble(given);
  if (at == -1.0 && PyErr_Occurred()) return false;
  if (!(at >= 0.0 && at < (double)(LATEST / SECOND))) return refuse("the time is not between 1970 and 2116") != NULL;
  *now = (int64_t)(at * (double)SECOND);
  return true;
}

static bool read_measure(PyObject *given, measure *m) {
  Py_ssize_t size = PyTuple_Check(given) ? PyTuple_Size(given) : 0;
  if (size == 2) {
    m->kind = PACE;
    return read_number(PyTuple_GetItem(given, 0), 1, "the interval is not positive", &m->interval) &&
           read_number(PyTuple_GetItem(given, 1), 0, "the burst is negative", &m->burst);
  }
  if (size != 3) return refuse("a measure is (interval, burst) or (limit, start, end)") != NULL;
  m->kind = ALLOWANCE;
  static const char *const odd = "the period is not one between 1970 and 2116";
  bool good = read_number(PyTuple_GetItem(given, 0), 0, "the limit is negative", &m->limit) &&
              read_number(PyTuple_GetItem(given, 1), INT64_MIN, odd, &m->start) &&
              read_number(PyTuple_GetItem(given, 2), 1, odd, &m->end);
  if (good && m->start < 0) m->start = 0;  /* the week in which 1970 began */
  return good && ((m->start < m->end && m->end <= LATEST / SECOND) || refuse(odd) != NULL);
}

/* A name may hold half a surrogate pair: a token's claims are JSON. */
static bool read_name(const table *t, PyObject *given, kind kind, uint64_t *key) {
  Py_ssize_t length;
  const char *text = PyUnicode_AsUTF8AndSize(given, &length);
  if (text != NULL) {
    *key = key_of(t, kind, text, (size_t)length);
    return true;
  }
  if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return false;
  PyErr_Clear();
  PyObject *bytes = PyUnicode_AsEncodedString(given, "utf-8", "surrogatepass");
  if (bytes == NULL) return false;
  char *data;
  bool good = PyBytes_AsStringAndSize(bytes, &data, &length) == 0;
  if (good) *key = key_of(t, kind, data, (size_t)length);
  Py_DECREF(bytes);
  return good;
}

static bool read_take(const table *t, PyObject *name, PyObject *given, take_one *take) {
  return read_measure(given, &take->measure) && read_name(t, name, take->measure.kind, &take->key);
}

static bool read_common(PyObject *const *args, Py_ssize_t count, int64_t *now, int64_t *cost) {
  if (count != 4) return refuse("wanted: bucket or buckets, measure or measures, at, cost") != NULL;
  return read_time(args[2], now) && read_number(args[3], 1, "the cost is not positive", cost);
}

/* The methods. They never give up the interpreter's lock, see lock.h. */

static PyObject *table_take(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  table *t = &((Table *)self)->table;
  int64_t now, cost;
  take_one take, *order[1];
  if (!read_common(args, count, &now, &cost) || !read_take(t, args[0], args[1], &take)) return NULL;
  take_all(t, &take, order, 1, now, cost);
  outcome *o = &take.outcome;
  return Py_BuildValue("NLLL", PyBool_FromLong(o->allowed), o->remaining, o->reset, o->wait);
}

enum { FEW = 8 };  /* buckets of one question, as a rule */

static PyObject *take_many(table *t, PyObject *names, PyObject *measures, take_one *takes, take_one **order, int count,
                           int64_t now, int64_t cost) {
  for (int i = 0; i < count; i++)
    if (!read_take(t, PyTuple_GetItem(names, i), PyTuple_GetItem(measures, i), &takes[i])) return NULL;
  int refused = take_all(t, takes, order, count, now, cost);
  if (refused < 0) Py_RETURN_NONE;
  outcome *o = &takes[refused].outcome;
  return Py_BuildValue("iLLL", refused, o->remaining, o->reset, o->wait);
}

static PyObject *table_all(PyObject *self, PyObject *const *args, Py_ssize_t count, int64_t sign) {
  int64_t now, cost;
  if (!read_common(args, count, &now, &cost)) return NULL;
  cost *= sign;
  if (!PyTuple_Check(args[0]) || !PyTuple_Check(args[1])) return refuse("buckets and measures are not tuples");
  Py_ssize_t many = PyTuple_Size(args[0]);
  if (many != PyTuple_Size(args[1]) || many > INT16_MAX) return refuse("there are not as many measures as buckets");
  take_one few[FEW], *few_order[FEW], *takes = few, **order = few_order;
  if (many > FEW) {
    takes = calloc((size_t)many, sizeof *takes);
    order = calloc((size_t)many, sizeof *order);
  }
  PyObject *answer = takes == NULL || order == NULL
                         ? PyErr_NoMemory()
                         : take_many(&((Table *)self)->table, args[0], args[1], takes, order, (int)many, now, cost);
  if (takes != few) free(takes);
  if (order != few_order) free(order);
  return answer;
}

static PyObject *table_take_all(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  return table_all(self, args, count, 1);
}

static PyObject *table_give_all(PyObject *self, PyObject *const *args, Py_ssize_t count) {
  return table_all(self, args, count, -1);
}

static PyObject *table_evicted(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(((Table *)self)->table.evicted);
}

static PyObject *table_size(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromSize_t(((Table *)self)->table.size);
}

/* Its life. */

/* False with an exception set. */
static bool open_table(table *t, int file, long long sets) {
  struct stat status;
  if (sets != 0) {
    if (sets < 0 || !is_count_of_sets((uint64_t)sets)) return refuse("sets is not a power of two") != NULL;
    if (file >= 0 && fstat(file, &status) == 0 && status.st_size != 0) return refuse("the file is not empty") != NULL;
    return make(t, file, (uint64_t)sets) || PyErr_SetFromErrno(PyExc_OSError) != NULL;
  }
  header found;
  const char *trouble = trouble_with(file, &found, &status);
  if (trouble != NULL) return PyErr_Format(PyExc_ValueError, "this is no table of counters: %s", trouble) != NULL;
  return map(t, file, size_for(found.sets)) || PyErr_SetFromErrno(PyExc_OSError) != NULL;
}

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *names) {
  static char *known[] = {"file", "sets", NULL};
  int file = -1;
  long long sets = 0;
  if (!PyArg_ParseTupleAndKeywords(args, names, "|iL:Table", known, &file, &sets)) return NULL;
  allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  Table *self = (Table *)allocate(type, 0);
  if (self == NULL || open_table(&self->table, file, sets)) return (PyObject *)self;
  Py_DECREF(self);
  return NULL;
}

static void table_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  table *t = &((Table *)self)->table;
  if (t->header != NULL) munmap(t->header, t->size);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static PyMethodDef table_methods[] = {
    {"take", (PyCFunction)(void (*)(void))table_take, METH_FASTCALL, NULL},
    {"take_all", (PyCFunction)(void (*)(void))table_take_all, METH_FASTCALL, NULL},
    {"give_all", (PyCFunction)(void (*)(void))table_give_all, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef table_fields[] = {
    {"evicted", table_evicted, NULL, NULL, NULL},
    {"size", table_size, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_new, table_new},
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_methods, table_methods},
    {Py_tp_getset, table_fields},
    {0, NULL},
};

static PyType_Spec table_spec = {"stockade.stores._table.Table", sizeof(Table), 0, Py_TPFLAGS_DEFAULT, table_slots};

static int execute(PyObject *module) {
  know_me();
  if (pthread_atfork(NULL, NULL, know_me) != 0) return -1;
  PyObject *type = PyType_FromModuleAndSpec(module, &table_spec, NULL);
  if (type == NULL) return -1;
  int failed = PyModule_AddType(module, (PyTypeObject *)type);
  Py_DECREF(type);
  return failed;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_table", NULL, 0, NULL, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__table(void) { return PyModuleDef_Init(&definition); }
