/* `stockade.payloads._json`: the quick judge of JSON. See _json.pyi. */
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <unistd.h>

#include "json.h"

static PyObject *json_is_sound(PyObject *unused, PyObject *const *given, Py_ssize_t count) {
  (void)unused;
  char *body, *words;
  Py_ssize_t length, size;
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "is_sound takes a body and its limits");
    return NULL;
  }
  if (PyBytes_AsStringAndSize(given[0], &body, &length) < 0 || PyBytes_AsStringAndSize(given[1], &words, &size) < 0)
    return NULL;
  if (size != sizeof(limits)) {
    PyErr_SetString(PyExc_ValueError, "limits are seven numbers of 64 bits");
    return NULL;
  }
  limits most;
  memcpy(&most, words, sizeof most);
  return PyBool_FromLong(is_sound((const unsigned char *)body, (size_t)length, &most));
}

static int execute(PyObject *module) {
  (void)module;
  if (getentropy(names_key, sizeof names_key) == 0) return 0;
  PyErr_SetFromErrno(PyExc_OSError);
  return -1;
}

static PyMethodDef functions[] = {
    {"is_sound", (PyCFunction)(void (*)(void))json_is_sound, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_json", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__json(void) { return PyModuleDef_Init(&definition); }
