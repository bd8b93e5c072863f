// Answers in pieces: awslambda.streamifyResponse as in AWS Lambda, and what the http signature needs for it.
'use strict';

const { Writable } = require('node:stream');

const PIECE = 65536;
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

exports.isStreaming = (handler) => handler[STREAMING] !== undefined;

// What writes the frames of one answer. Every method calls back when the worker has taken what was written: it takes more only as
// the caller does, and so the function is slowed down by its caller.
exports.Answer = class Answer {
  // send(type, header, body, callback); types: { start, chunk }; end() settles the invocation.
  constructor(send, types, id, end) {
    Object.assign(this, { send, types, id, end, isStarted: false });
  }

  start(header, body, callback) {
    this.isStarted = true;
    const first = body.subarray(0, PIECE);
    const rest = body.subarray(PIECE);
    this.send(this.types.start, { id: this.id, ...header }, first, rest.length === 0 ? callback : () => this.write(rest, callback));
  }

  write(body, callback) {
    const rest = body.subarray(PIECE);
    if (body.length === 0) callback();
    else this.send(this.types.chunk, undefined, body.subarray(0, PIECE), rest.length === 0 ? callback : () => this.write(rest, callback));
  }
};

class ResponseStream extends Writable {
  #answer;
  #head = { status: 200, headers: [] };

  constructor(answer) {
    super({ highWaterMark: PIECE });
    this.#answer = answer;
  }

  setContentType(type) { this.#head.contentType = String(type); }

  setHead({ statusCode, headers, cookies } = {}) {
    const pairs = Object.entries(headers ?? {}).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]));
    const type = pairs.find(([name]) => /^content-type$/i.test(name));
    this.#head = {
      status: Number(statusCode ?? 200) || 500,
      headers: [...pairs.filter(([name]) => !/^content-(type|length)$/i.test(name)), ...(cookies ?? []).map((cookie) => ['Set-Cookie', String(cookie)])],
      contentType: type ? type[1] : this.#head.contentType,
    };
  }

  _write(chunk, encoding, done) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
    if (this.#answer.isStarted) this.#answer.write(bytes, done);
    else this.#answer.start(this.#head, bytes, done);
  }

  _final(done) {
    const end = () => { this.#answer.end(); done(); };
    if (this.#answer.isStarted) end();
    else this.#answer.start(this.#head, Buffer.alloc(0), end);
  }
}

exports.install = () => {
  globalThis.awslambda = {
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (options?.highWaterMark !== undefined) handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = options.highWaterMark;
      return handler;
    },
    HttpResponseStream: class HttpResponseStream {
      static from(stream, metadata) {
        if (!(stream instanceof ResponseStream)) throw new TypeError('HttpResponseStream.from expects the responseStream that the handler was given');
        stream.setHead(metadata);
        return stream;
      }
    },
  };
};

// Runs a handler of the form (event, responseStream, context). fail(error, type) settles the invocation.
exports.run = (handler, event, context, answer, fail) => {
  const stream = new ResponseStream(answer);
  stream.on('error', (error) => fail(error));
  stream.on('close', () => { if (!stream.writableFinished && !stream.errored) fail(new Error('The response stream was destroyed before its end'), 'Runtime.StreamError'); });
  const result = handler(event, stream, context);
  if (typeof result?.then !== 'function') {
    fail(new Error('Streaming does not support non-async handlers.'), 'Runtime.InvalidStreamingOperation');
    return;
  }
  // What is piped into it ends it; else the end of the handler does, if the handler did not.
  result.then(() => { if (!stream.writableEnded && stream.listenerCount('unpipe') === 0) stream.end(); }, (error) => fail(error));
};
