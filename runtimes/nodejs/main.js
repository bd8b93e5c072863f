// The half of the nodejs runtime that lives inside the sandbox. See ../PROTOCOL.md.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');
const { Failure, describe } = require('./errors.js');
require('./output.js');
const streaming = require('./stream.js');

// Loaded while nothing is asked, so that a cold start from the pool finds it in memory, and one that could not wait pays only for
// what it uses. The loader of ES modules is set up at its first use.
const ahead = [
  () => import('data:text/javascript,'),
  ...['util', 'crypto', 'querystring', 'http', 'https', 'zlib', 'os', 'timers/promises'].map((name) => () => require(`node:${name}`)),
  () => require('./http.js'),
  () => rehearse(),
];

const [READY, LOAD, LOADED, INIT_ERROR, INVOKE, RESULT, ERROR, RESULT_START, CHUNK, RESULT_END] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const TASK = '/var/task';
let root = TASK;
const PREFIX = 9;
const MAXIMUM_RESULT = (6 << 20) + 100;
const exit = process.exit.bind(process);

const socket = new net.Socket({ fd: 3, readable: true, writable: true });
socket.on('error', () => exit(0));
socket.on('end', () => exit(0));
socket.on('close', () => exit(0));

let sink = socket;

// The callback comes when the worker's end of the socket has room for all of it.
function send(type, header, body, callback) {
  const head = header ? Buffer.from(JSON.stringify(header)) : Buffer.alloc(0);
  const length = body ? body.length : 0;
  const small = length <= 65536;
  const frame = Buffer.allocUnsafe(PREFIX + head.length + (small ? length : 0));
  frame.writeUInt32BE(4 + head.length + length, 0);
  frame[4] = type;
  frame.writeUInt32BE(head.length, 5);
  head.copy(frame, PREFIX);
  if (body && small) body.copy(frame, PREFIX + head.length);
  sink.write(frame, body && !small ? undefined : callback);
  if (body && !small) sink.write(body, callback);
}

let pending = [];
let pendingLength = 0;
function take(chunk) {
  pending.push(chunk);
  pendingLength += chunk.length;
  while (pendingLength >= PREFIX) {
    if (pending[0].length < PREFIX) pending = [Buffer.concat(pending)];
    const total = pending[0].readUInt32BE(0) + 5;
    if (pendingLength < total) return;
    const data = pending.length === 1 ? pending[0] : Buffer.concat(pending);
    pending = data.length > total ? [data.subarray(total)] : [];
    pendingLength = data.length - total;
    const start = PREFIX + data.readUInt32BE(5);
    receive(data[4], start > PREFIX ? JSON.parse(data.toString('utf8', PREFIX, start)) : {}, data.subarray(start, total));
  }
}
socket.on('data', take);

function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let directory = path.dirname(file); directory.startsWith(root); directory = path.dirname(directory)) {
    try {
      return JSON.parse(fs.readFileSync(`${directory}/package.json`, 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT') return false;
    }
  }
  return false;
}

async function importHandler(handler) {
  const slash = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', slash);
  const [name, members] = [handler.slice(0, dot), handler.slice(dot + 1).split('.')];
  const file = ['.js', '.mjs', '.cjs', '/index.js', '/index.mjs'].map((end) => `${root}/${name}${end}`).find((candidate) => fs.existsSync(candidate));
  if (!file) throw new Failure('Runtime.ImportModuleError', `Cannot find module '${name}': the package has no ${name}.js, ${name}.mjs or ${name}.cjs`);
  let module;
  try {
    module = isModule(file) ? await import(pathToFileURL(file)) : createRequire(`${root}/`)(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Failure('Runtime.UserCodeSyntaxError', `${error.message} (${String(error.stack).split('\n')[0]})`, error);
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') throw new Failure('Runtime.ImportModuleError', error.message.split('\n')[0], error);
    throw error;
  }
  const find = (from) => members.reduce((value, member) => value?.[member], from);
  const target = find(module) ?? find(module?.default);
  if (typeof target !== 'function') throw new Failure('Runtime.HandlerNotFound', `'${members.join('.')}' of module '${name}' is ${target === undefined ? 'missing' : `a ${typeof target}`}; expected an exported function`);
  return target;
}

function makeContext(load, header, done) {
  const deadline = performance.now() + header.timeoutMs;
  return {
    awsRequestId: header.id,
    functionName: load.function,
    functionVersion: String(load.revision),
    memoryLimitInMB: String(load.memoryMb),
    invokedFunctionArn: `arn:aws:lambda:local:${load.account}:function:${load.function}`,
    logGroupName: `/aws/lambda/${load.function}`,
    logStreamName: `${load.revision}/${load.functionId}`,
    attempt: header.attempt,
    traceparent: header.traceparent,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
    done,
    succeed: (value) => done(null, value),
    fail: (error) => done(error ?? new Error('handled')),
  };
}

let load;
let handler;
let signature;
let current; // The invocation under way: { id, settled }.

function finish(invocation, act) {
  if (invocation.settled) return;
  invocation.settled = true;
  if (current === invocation) current = undefined;
  socket.ref();
  act();
}

function fail(invocation, error, fatal) {
  finish(invocation, () => send(ERROR, { id: invocation.id, ...describe(error), fatal }));
}

function succeed(invocation, header, body) {
  finish(invocation, () => {
    if (body.length > MAXIMUM_RESULT) {
      send(ERROR, { id: invocation.id, tooLarge: true, message: `The answer has ${body.length} bytes; at most ${MAXIMUM_RESULT} are allowed` });
    } else {
      send(RESULT, { id: invocation.id, ...header }, body);
    }
  });
}

function succeedWith(invocation, value) {
  let text;
  try {
    text = JSON.stringify(value === undefined ? null : value) ?? 'null';
  } catch (error) {
    fail(invocation, new Failure('Runtime.MarshalError', `Unable to marshal response: ${error.message}`, error));
    return;
  }
  succeed(invocation, {}, Buffer.from(text));
}

// An answer in pieces. What an invocation that is over still writes is dropped.
function answerOf(invocation) {
  const sendUnlessOver = (type, header, body, callback) => (invocation.settled ? callback() : send(type, header, body, callback));
  return new streaming.Answer(sendUnlessOver, { start: RESULT_START, chunk: CHUNK }, invocation.id, () => finish(invocation, () => send(RESULT_END, { id: invocation.id })));
}

function invokeEvent(invocation, header, body) {
  let event;
  try {
    event = body.length > 0 ? JSON.parse(body.toString('utf8')) : {};
  } catch (error) {
    fail(invocation, new Failure('Runtime.UnmarshalError', `The event is not JSON: ${error.message}`));
    return;
  }
  if (streaming.isStreaming(handler)) {
    const failAs = (error, type) => fail(invocation, type ? new Failure(type, error.message, error) : error);
    streaming.run(handler, event, makeContext(load, header, () => {}), answerOf(invocation), failAs);
    return;
  }
  const callback = (error, value) => (error ? fail(invocation, error) : succeedWith(invocation, value));
  const result = handler(event, makeContext(load, header, callback), callback);
  if (result && typeof result.then === 'function') {
    result.then((value) => succeedWith(invocation, value), (error) => fail(invocation, error));
  } else if (result !== undefined || handler.length < 2) {
    // Without a promise, and with nothing to call back, the returned value is the answer.
    succeedWith(invocation, result);
  } else {
    // It calls back, or ends when nothing is left to do; then the answer is null, as in AWS Lambda.
    socket.unref();
  }
}

process.on('beforeExit', () => {
  socket.ref();
  if (current) succeedWith(current, null);
});

function invokeHttp(invocation, header, body) {
  const http = require('./http.js');
  const request = http.makeRequest(header, body);
  const response = http.makeResponse(request, (answer, content) => succeed(invocation, answer, content), answerOf(invocation));
  const result = handler(request, response);
  if (result && typeof result.then === 'function') {
    result.then((value) => { if (value !== undefined && !response.writableEnded) response.send(value); }, (error) => fail(invocation, error));
  }
}

function receive(type, header, body) {
  if (type === LOAD) {
    loadFunction(header);
    return;
  }
  const invocation = { id: header.id, settled: false };
  current = invocation;
  try {
    (signature === 'http' ? invokeHttp : invokeEvent)(invocation, header, body);
  } catch (error) {
    fail(invocation, error);
  }
}

async function loadFunction(header) {
  load = header;
  Object.assign(process.env, header.env);
  try {
    handler = await importHandler(header.handler);
    signature = header.signature === 'http' ? 'http' : 'event';
    send(LOADED, { signature });
  } catch (error) {
    send(INIT_ERROR, describe(error));
  }
}

// Nobody catches these: the process may be in any state, so it is not used again.
function uncaught(error) {
  if (current) {
    fail(current, error, true);
  } else if (load && !handler) {
    send(INIT_ERROR, describe(error));
  } else {
    process.stderr.write(`Uncaught between invocations: ${error?.stack ?? error}\n`);
    exit(1);
  }
}
process.on('uncaughtException', uncaught);
process.on('unhandledRejection', uncaught);

streaming.install();
process.argv.splice(1, 1, `${TASK}/index.js`);

// V8 compiles a function when it is called for the first time. One load and some invocations of a function of our own, whose answers
// go nowhere, have all of that done before somebody waits for it. Nothing of it is left to see, and it is over before anything
// that comes through the socket is looked at: it takes microtasks only.
async function rehearse() {
  if (pendingLength > 0) return;
  let answered;
  const answer = () => new Promise((resolve) => { answered = resolve; });
  const frame = (type, header, body) => {
    let written;
    sink = { write(bytes) { written = bytes; } };
    send(type, header, body && Buffer.from(body));
    sink = { write() { answered(); } };
    return written;
  };
  root = __dirname;
  for (const [type, header, body] of [
    [LOAD, { handler: 'rehearsal.handler', signature: 'event', env: {}, function: 'f', functionId: '', revision: 1, memoryMb: 128, account: 'a' }],
    ...Array.from({ length: 4 }, (_, i) => [INVOKE, { id: `${i}`, attempt: 1, timeoutMs: 1000, deadlineMs: 1000 }, '{"name":"Ada"}']),
  ]) {
    const end = answer();
    take(frame(type, header, body));
    await end;
  }
  sink = socket;
  root = TASK;
  load = handler = signature = current = undefined;
  delete require.cache[require.resolve('./rehearsal.js')];
}

async function loadAhead() {
  while (ahead.length > 0 && !load) {
    await ahead.shift()();
    await new Promise(setImmediate);
  }
}
send(READY);
loadAhead();
