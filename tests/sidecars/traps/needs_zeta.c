/* An extension module that is linked against a library which the packager cannot find. */
#include <Python.h>
int zeta(void);
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "needs_zeta", NULL, -1, NULL, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_needs_zeta(void) { zeta(); return PyModule_Create(&module); }
