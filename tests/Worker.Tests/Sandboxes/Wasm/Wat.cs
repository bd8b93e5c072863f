using System.Runtime.InteropServices;
using System.Text;
using FaasCluster.Worker.Sandboxes.Wasm.Native;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>WebAssembly's text form made binary, by Wasmtime itself.</summary>
internal static unsafe class Wat
{
    /// <summary>Declarations that begin most modules of tests: what they use of WASI, a page of memory, an iovec at 0 and its result at 8.</summary>
    public const string Head = """
        (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
        (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func $print (param $to i32) (param $address i32) (param $length i32)
          (i32.store (i32.const 0) (local.get $address))
          (i32.store (i32.const 4) (local.get $length))
          (drop (call $fd_write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8))))
        """;

    /// <summary>A command with <see cref="Head"/> whose main function has the given body.</summary>
    public static byte[] Command(string body, string more = "") => Module($"{Head} {more} (func (export \"_start\") {body})");

    /// <summary>A module with the given fields.</summary>
    public static byte[] Module(string fields) => Translate($"(module {fields})");

    public static byte[] Translate(string text)
    {
        var translate = (delegate* unmanaged<byte*, nuint, ByteVector*, nint>)NativeLibrary.GetExport(NativeLibrary.Load(Wasmtime.LibraryPath), "wasmtime_wat2wasm");
        var bytes = Encoding.UTF8.GetBytes(text);
        ByteVector binary;
        fixed (byte* start = bytes)
        {
            Assert.Null(Wasmtime.TakeMessage(translate(start, (nuint)bytes.Length, &binary)));
        }

        var result = new ReadOnlySpan<byte>(binary.Data, (int)binary.Size).ToArray();
        Wasmtime.wasm_byte_vec_delete(&binary);
        return result;
    }
}
