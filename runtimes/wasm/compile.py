"""Compiles one WebAssembly module: compile.py FILE NAME=VALUE... The machine code is standard output.

Runs in a sandbox, because nothing ends a compilation that takes too long or too much memory but the end of its process.
The settings are those of the worker's engine, which refuses what was compiled with others. Exit status 65 if the module is wrong.
"""

import ctypes
import os
import sys


class Bytes(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]


def check(wasmtime, error):
    if not error:
        return
    text = Bytes()
    wasmtime.wasmtime_error_message(ctypes.c_void_p(error), ctypes.byref(text))
    sys.stderr.buffer.write(b" ".join(ctypes.string_at(text.data, min(text.size, 4000)).split()) + b"\n")
    sys.stderr.buffer.flush()
    os._exit(65)


def main(path, settings):
    wasmtime = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libwasmtime.so"))
    for name in ("wasm_config_new", "wasm_engine_new_with_config", "wasmtime_module_new", "wasmtime_module_serialize"):
        getattr(wasmtime, name).restype = ctypes.c_void_p

    config = ctypes.c_void_p(wasmtime.wasm_config_new())
    for setting in settings:
        name, value = setting.split("=")
        getattr(wasmtime, f"wasmtime_config_{name}_set")(config, ctypes.c_uint64(int(value)))
    engine = ctypes.c_void_p(wasmtime.wasm_engine_new_with_config(config))

    with open(path, "rb") as file:
        source = file.read()
    module, code = ctypes.c_void_p(), Bytes()
    check(wasmtime, wasmtime.wasmtime_module_new(engine, source, ctypes.c_size_t(len(source)), ctypes.byref(module)))
    check(wasmtime, wasmtime.wasmtime_module_serialize(module, ctypes.byref(code)))

    left = memoryview((ctypes.c_char * code.size).from_address(code.data)).cast("B")
    while left:
        left = left[os.write(1, left):]
    os._exit(0)


main(sys.argv[1], sys.argv[2:])
