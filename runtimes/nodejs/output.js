// What a function prints.
'use strict';

const fs = require('node:fs');
const { Writable } = require('node:stream');

// Node.js writes to pipes when it finds the time; the worker must find every line in the pipe before the result.
function makeSynchronous(name, descriptor) {
  const write = (chunk) => {
    let data = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    while (data.length > 0) {
      try {
        data = data.subarray(fs.writeSync(descriptor, data));
      } catch (error) {
        if (error.code !== 'EAGAIN') return;
      }
    }
  };
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, encoding, done) { write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk); done(); },
  });
  Object.assign(stream, { fd: descriptor, isTTY: false, _type: 'pipe', destroySoon() {}, _destroy(error, done) { done(error); } });
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
}
makeSynchronous('stdout', 1);
makeSynchronous('stderr', 2);
