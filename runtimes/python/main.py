"""The half of the python3 runtime that lives inside the sandbox. See ../PROTOCOL.md."""

import gc
import importlib
import itertools
import json
import os
import select
import socket
import struct
import sys
import time

# What functions and this runtime may need, in the order of likelihood. Loaded while nothing is asked, so that a cold start from
# the pool finds it in memory, and one that could not wait pays only for what it uses.
AHEAD = (
    "_faas_streams traceback inspect urllib.parse io re datetime werkzeug.wrappers werkzeug.exceptions base64 logging random hashlib uuid asyncio "
    "collections functools itertools math threading urllib.request"
).split()

# Modules that are Python's own, or werkzeug's.
OWN_NAMES = sys.stdlib_module_names | {"markupsafe"}

READY, LOAD, LOADED, INIT_ERROR, INVOKE, RESULT, ERROR, RESULT_START, CHUNK, RESULT_END = range(1, 11)
TASK = "/var/task"
MAXIMUM_RESULT = (6 << 20) + 100
PREFIX = struct.Struct(">IBI")

# What functions may import from the platform. Behind everything else: a package's own module of the same name wins.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))


class Channel:
    """Frames over descriptor 3. Blocking: there is nothing else to do while waiting."""

    def __init__(self):
        self.socket = socket.socket(fileno=3)
        self.socket.setblocking(True)
        self.socket.set_inheritable(False)

    def receive(self):
        data = self.socket.recv(65536)
        while 0 < len(data) < PREFIX.size:
            more = self.socket.recv(65536)
            data = data + more if more else b""
        if not data:
            os._exit(0)
        length, kind, header_length = PREFIX.unpack_from(data)
        total = length + 5
        if len(data) < total:
            whole = bytearray(total)
            whole[: len(data)] = data
            view, have = memoryview(whole), len(data)
            while have < total:
                count = self.socket.recv_into(view[have:])
                if not count:
                    os._exit(0)
                have += count
            data = bytes(whole)
        start = PREFIX.size + header_length
        return kind, json.loads(data[PREFIX.size : start]) if header_length else {}, data[start:]

    def is_idle(self):
        return not select.select([self.socket], [], [], 0)[0]

    def send(self, kind, header, body=b""):
        encoded = json.dumps(header).encode() if header else b""
        prefix = PREFIX.pack(4 + len(encoded) + len(body), kind, len(encoded))
        self.socket.sendall(prefix + encoded + body)


class Context:
    """What AWS Lambda hands to a handler as its second argument."""

    def __init__(self, function, header):
        self.aws_request_id = header["id"]
        self.function_name = function["function"]
        self.function_version = str(function["revision"])
        self.memory_limit_in_mb = str(function["memoryMb"])
        self.invoked_function_arn = f"arn:aws:lambda:local:{function['account']}:function:{function['function']}"
        self.log_group_name = f"/aws/lambda/{function['function']}"
        self.log_stream_name = f"{function['revision']}/{function['functionId']}"
        self.attempt = header.get("attempt", 1)
        self.traceparent = header.get("traceparent")
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + header["timeoutMs"] / 1000

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Failure(Exception):
    """An error whose type is named by the platform and not by a class."""

    def __init__(self, kind, message, cause=None):
        super().__init__(message)
        self.kind = kind
        self.cause = cause


def user_frames(trace):
    """The frames of the user's own code as text, innermost last."""
    try:
        import traceback
    except (ImportError, OSError):  # A function used up its descriptors before this was loaded. What it raised must not be lost with its frames.
        return []

    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if frame.filename.startswith(TASK)]
    return [line.rstrip("\n") for line in traceback.format_list(own)]


def advice(error):
    """What the error says about a further attempt, by attributes, so that an error need not be one of the module faas."""
    try:
        if getattr(error, "do_not_retry", None) is True:
            return {"doNotRetry": True}
        seconds = getattr(error, "retry_after_seconds", None)
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and seconds == seconds:
            return {"retryAfterSeconds": max(0, min(seconds, 1e9))}
    except Exception:  # A property of the user's that raises must not hide the error.
        pass
    return {}


def describe(error):
    if isinstance(error, Failure):
        cause = error.cause
        return {"type": error.kind, "message": str(error), "stackTrace": user_frames(cause.__traceback__) if cause else []}
    name = type(error).__name__
    module = type(error).__module__
    try:
        message = str(error)
    except Exception:  # A __str__ of the user's that raises must not hide the error.
        message = "(the error's text raised an error itself)"
    return {
        "type": name if module in ("builtins", "__main__") else f"{module}.{name}",
        "message": message.encode("utf-8", "replace").decode()[:4096],
        "stackTrace": user_frames(error.__traceback__)[-50:],
        **advice(error),
    }


def load_ahead(may_go_on):
    for name in AHEAD:
        if not may_go_on():
            return
        try:
            importlib.import_module(name)
        except ImportError:  # Only functions with the http signature need werkzeug; they may bring their own.
            pass
    if may_go_on():
        # What is there now stays; collections of the function's garbage need not look at it.
        gc.collect()
        gc.freeze()


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # The user may have closed or replaced it.
            pass


def leave(error):
    """sys.exit() ends the process at once, whatever threads the function has started."""
    if error.code is not None and not isinstance(error.code, int):
        sys.stderr.write(f"{error.code}\n")
    flush()
    os._exit(0 if error.code is None else error.code & 0xFF if isinstance(error.code, int) else 1)


def import_handler(handler):
    module_name, _, function_name = handler.rpartition(".")
    module_name = module_name.replace("/", ".")
    for directory in (f"{TASK}/python", TASK):
        if os.path.isdir(directory):
            # Who wins, a file of the package or Python's module of the same name, must not depend on how far loading ahead has come.
            if any(name.split(".")[0] in OWN_NAMES for name in os.listdir(directory)):
                load_ahead(lambda: True)
            sys.path.insert(0, directory)
            # A package that brings its own werkzeug (with Flask, for example) gets that one, whole.
            if os.path.exists(f"{directory}/werkzeug"):
                for name in [n for n in sys.modules if n.split(".")[0] in ("werkzeug", "markupsafe")]:
                    del sys.modules[name]
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise Failure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", error) from error
    except SyntaxError as error:
        place = f"{error.filename}, line {error.lineno}" if error.filename else "an unknown place"
        raise Failure("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error.msg} ({place})", error) from error
    target = module
    try:
        for name in function_name.split("."):
            target = getattr(target, name)
    except AttributeError as error:
        raise Failure("Runtime.HandlerNotFound", f"Handler '{function_name}' is missing in module '{module_name}'") from error
    if not callable(target):
        raise Failure("Runtime.HandlerNotFound", f"Handler '{function_name}' of module '{module_name}' is a {type(target).__name__}; expected a function")
    return target


def find_signature(wanted, handler):
    if wanted != "auto":
        return wanted
    import inspect

    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return "event"
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    takes_any = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    if len(required) == 1 and not takes_any:
        return "http"
    if len(required) <= 2 and (takes_any or len(positional) >= 2):
        return "event"
    raise Failure("Runtime.HandlerNotFound", f"The handler needs {len(required)} arguments; expected (event, context) or (request)")


def dumps(value):
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:  # Half a surrogate pair has no UTF-8; as an escape it survives.
        return json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Failure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def make_environ(header, body):
    import io
    import re
    import urllib.parse

    http = header.get("http") or {"method": "POST", "path": "/", "query": "", "headers": [], "host": "localhost"}
    host, _, port = http.get("host", "").rpartition(":") if re.search(r":\d+$", http.get("host", "")) else (http.get("host", ""), "", "")
    scheme = http.get("scheme") or "http"
    path = http["path"] or "/"
    environ = {
        "REQUEST_METHOD": http["method"],
        "SCRIPT_NAME": urllib.parse.unquote_to_bytes(http.get("pathBase", "")).decode("latin-1"),
        "PATH_INFO": urllib.parse.unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": http.get("query", ""),
        "REQUEST_URI": http.get("pathBase", "") + path + ("?" + http["query"] if http.get("query") else ""),
        "SERVER_NAME": host or "localhost",
        "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": http.get("protocol", "HTTP/1.1"),
        "REMOTE_ADDR": http.get("sourceIp", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in http["headers"]:
        key = name.upper().replace("-", "_")
        if key in ("CONTENT_LENGTH", "CONTENT_TYPE"):
            if key == "CONTENT_TYPE":
                environ[key] = value
            continue
        key = "HTTP_" + key
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ", ") + value
        else:
            environ[key] = value
    if "CONTENT_TYPE" not in environ and header.get("contentType"):
        environ["CONTENT_TYPE"] = header["contentType"]
    return environ


def header_pairs(headers):
    items = headers.items() if hasattr(headers, "items") else headers
    return [[str(name), str(each)] for name, value in items for each in (value if isinstance(value, (list, tuple)) else [value])]


def answer(value, environ):
    """What an http handler returned, as Flask understands it: (status, headers, content type, body)."""
    status, headers = None, []
    if isinstance(value, tuple):
        if len(value) == 3:
            value, status, extra = value
            headers = header_pairs(extra or [])
        elif len(value) == 2 and isinstance(value[1], (int, str)):
            value, status = value
        elif len(value) == 2:
            headers = header_pairs(value[1] or [])
            value = value[0]
        else:
            raise Failure("Runtime.MarshalError", f"The handler returned a tuple of {len(value)}; expected (body, status), (body, headers) or (body, status, headers)")
    if callable(value) and not isinstance(value, type):
        return wsgi_answer(value, environ, status, headers)
    content_type = "text/html; charset=utf-8"
    if isinstance(value, str):
        body = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, (bytes, bytearray, memoryview)):
        body = bytes(value)
    elif isinstance(value, (dict, list)):
        body, content_type = dumps(value), "application/json"
    elif streams().is_parts(value):
        body = streams().Parts(value)
    else:
        raise Failure("Runtime.MarshalError", f"The handler returned a {type(value).__name__}; expected str, bytes, dict, list, a tuple with status and headers, or a response")
    return status_number(status), headers, content_type, body


def status_number(status):
    try:
        return 200 if status is None else int(str(status).split(" ")[0])
    except ValueError:
        raise Failure("Runtime.MarshalError", f"The handler returned the status {status!r}; expected a number") from None


def wsgi_answer(response, environ, status, extra):
    """A werkzeug or Flask response, or any other WSGI application."""
    started = []

    def start_response(line, headers, exc_info=None):
        started[:] = [line, headers]
        return started.append

    parts = response(environ, start_response)
    if getattr(response, "is_streamed", not isinstance(parts, (list, tuple))):
        # Only with its first piece it is certain that the application has said its head.
        pieces = iter(parts)
        first = next(pieces, b"")
        body = streams().Parts(itertools.chain([first], pieces), closing=parts)
    else:
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
    overridden = {name.lower() for name, _ in extra}
    headers = [[name, value] for name, value in started[1] if name.lower() not in overridden] + extra
    return status_number(status or started[0]), headers, None, body


def streams():
    """Loaded at its first use, where there was no time for it ahead."""
    return importlib.import_module("_faas_streams")


def event_answer(value):
    """What an event handler returned: JSON, or pieces, which may stand as the body of a response with a status and headers."""
    if isinstance(value, (dict, list, str)) or value is None:
        body = value.get("body") if isinstance(value, dict) and "statusCode" in value else None
        if body is None or isinstance(body, str) or not streams().is_parts(body):
            return {}, dumps(value)
        pairs = header_pairs(value.get("headers") or {})
        head = {
            "status": status_number(value["statusCode"]),
            "headers": [pair for pair in pairs if pair[0].lower() not in ("content-type", "content-length")] + [["Set-Cookie", str(each)] for each in value.get("cookies") or []],
        }
        head.update({"contentType": given for name, given in pairs if name.lower() == "content-type"})
        return head, streams().Parts(body)
    return ({}, streams().Parts(value)) if streams().is_parts(value) else ({}, dumps(value))


async def wait_for(awaitable):
    return await awaitable


class Function:
    def __init__(self, load):
        self.load = load
        os.environ.update(load["env"])
        time.tzset()
        self.handler = import_handler(load["handler"])
        self.signature = find_signature(load["signature"], self.handler)
        self.request_class = None
        if self.signature == "http":
            try:
                self.request_class = importlib.import_module("werkzeug.wrappers").Request
                self.http_error = importlib.import_module("werkzeug.exceptions").HTTPException
            except ImportError as error:
                raise Failure("Runtime.ImportModuleError", "The http signature needs werkzeug: install python3-werkzeug on the worker or put it into the package") from error

    def call(self, *arguments):
        result = self.handler(*arguments)
        if hasattr(result, "__await__"):
            import asyncio

            return asyncio.run(wait_for(result))
        return result

    def invoke(self, header, body):
        if self.signature == "event":
            try:
                event = json.loads(body) if body else {}
            except ValueError as error:
                raise Failure("Runtime.UnmarshalError", f"The event is not JSON: {error}") from None
            return event_answer(self.call(event, Context(self.load, header)))
        environ = make_environ(header, body)
        try:
            value = self.call(self.request_class(environ))
        except self.http_error as error:  # abort(404) and the like are answers.
            value = error.get_response(environ)
        status, headers, content_type, content = answer(value, environ)
        given = next((value for name, value in headers if name.lower() == "content-type"), None)
        rest = [pair for pair in headers if pair[0].lower() not in ("content-type", "content-length")]
        return {"status": status, "headers": rest, "contentType": given or content_type or "application/octet-stream"}, content


def run(channel, function, header, body):
    try:
        result, content = function.invoke(header, body)
        if not isinstance(content, bytes):
            result["id"] = header["id"]
            streams().send(channel, RESULT_START, CHUNK, result, content)
            flush()
            channel.send(RESULT_END, {"id": header["id"]})
            return
        flush()
        if len(content) > MAXIMUM_RESULT:
            channel.send(ERROR, {"id": header["id"], "tooLarge": True, "message": f"The answer has {len(content)} bytes; at most {MAXIMUM_RESULT} are allowed"})
            return
        result["id"] = header["id"]
        channel.send(RESULT, result, content)
    except SystemExit as error:
        leave(error)
    except BaseException as error:
        flush()
        channel.send(ERROR, {"id": header["id"], **describe(error)})


def main():
    channel = Channel()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    channel.send(READY, None)
    load_ahead(channel.is_idle)
    kind, header, _ = channel.receive()
    try:
        if kind != LOAD:
            raise Failure("Runtime.ProtocolError", f"expected a LOAD frame, got type {kind}")
        function = Function(header)
    except SystemExit as error:
        leave(error)
    except BaseException as error:
        flush()
        channel.send(INIT_ERROR, describe(error))
        os._exit(1)
    flush()
    channel.send(LOADED, {"signature": function.signature})
    while True:
        _, header, body = channel.receive()
        run(channel, function, header, body)


main()
