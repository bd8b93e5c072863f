// Errors as the worker is told of them.
'use strict';

const TASK = '/var/task';

class Failure extends Error {
  constructor(type, message, cause) {
    super(message, { cause });
    this.name = type;
  }
}

// Only what lies in the package: the runtime's and Node's own frames tell the user nothing.
function userFrames(error) {
  const own = error instanceof Failure ? error.cause : error;
  const lines = typeof own?.stack === 'string' ? own.stack.split('\n') : [];
  return lines.filter((line) => /^\s+at /.test(line) && line.includes(`${TASK}/`)).map((line) => line.trim()).reverse().slice(-50);
}

// What the error says about a further attempt.
function advice(error) {
  if (error.doNotRetry === true) return { doNotRetry: true };
  const seconds = error.retryAfterSeconds;
  return typeof seconds === 'number' && !Number.isNaN(seconds) ? { retryAfterSeconds: Math.max(0, Math.min(seconds, 1e9)) } : {};
}

function describe(error) {
  try {
    if (error instanceof Error || (error && typeof error === 'object' && 'message' in error)) {
      const type = error instanceof Failure ? error.name : (error.name && error.name !== 'Error' ? error.name : error.constructor?.name) || 'Error';
      return { type: String(type), message: String(error.message).slice(0, 4096), stackTrace: userFrames(error), ...advice(error) };
    }
    return { type: typeof error, message: (typeof error === 'string' ? error : JSON.stringify(error) ?? String(error)).slice(0, 4096), stackTrace: [] };
  } catch {
    return { type: 'Error', message: "(the error's text raised an error itself)", stackTrace: [] };
  }
}

module.exports = { Failure, describe };
