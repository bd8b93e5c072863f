// Requests and responses of the http signature, as in Google Cloud Functions and Express.
'use strict';

const http = require('node:http');
const { Readable, Writable } = require('node:stream');

const apiCall = { method: 'POST', path: '/', query: '', headers: [['content-type', 'application/json']], host: 'localhost', protocol: 'HTTP/1.1', scheme: 'http' };

function parseQuery(text) {
  const query = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    query[name] = name in query ? [].concat(query[name], value) : value;
  }
  return query;
}

function parseBody(type, body) {
  if (body.length === 0) return type === 'application/json' ? {} : undefined;
  if (type === 'application/json' || type.endsWith('+json')) return JSON.parse(body.toString('utf8'));
  if (type === 'application/x-www-form-urlencoded') return parseQuery(body.toString('utf8'));
  return type.startsWith('text/') ? body.toString('utf8') : body;
}

exports.makeRequest = (header, rawBody) => {
  const given = header.http ?? apiCall;
  const request = new Readable({ read() {} });
  request.push(rawBody);
  request.push(null);
  const headers = Object.create(null);
  for (const [name, value] of given.headers) {
    if (name === 'set-cookie') headers[name] = [].concat(headers[name] ?? [], value);
    else headers[name] = name in headers ? `${headers[name]}${name === 'cookie' ? '; ' : ', '}${value}` : value;
  }
  if (header.contentType && !headers['content-type']) headers['content-type'] = header.contentType;
  const type = (headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  let body;
  try {
    body = parseBody(type, rawBody);
  } catch {
    body = rawBody.toString('utf8'); // Not the JSON that it claims to be: the function decides.
  }
  const url = given.path + (given.query ? `?${given.query}` : '');
  let decoded = given.path;
  try {
    decoded = decodeURIComponent(given.path);
  } catch { /* As sent, then. */ }
  return Object.assign(request, {
    method: given.method,
    url,
    originalUrl: (given.pathBase ?? '') + url,
    baseUrl: given.pathBase ?? '',
    path: decoded,
    query: parseQuery(given.query),
    params: {},
    headers,
    rawHeaders: given.headers.flat(),
    body,
    rawBody,
    ip: given.sourceIp ?? '',
    protocol: given.scheme ?? 'http',
    secure: given.scheme === 'https',
    hostname: (given.host ?? '').replace(/:\d+$/, ''),
    httpVersion: (given.protocol ?? 'HTTP/1.1').slice(5),
    get: (name) => headers[name.toLowerCase()],
    header: (name) => headers[name.toLowerCase()],
    is: (wanted) => (type === wanted || type.endsWith(`/${wanted}`) ? wanted : false),
  });
};

const MOST_HELD = 65536;

// What is written and ended in one go is one answer. What is not ended when the event loop comes round goes out in pieces, the
// first of them with what was written so far; and so does what is too much to be held back.
exports.makeResponse = (request, done, answer) => {
  const chunks = [];
  const headers = new Map(); // lower-case name -> [name, value]
  let held = 0;
  let ending = false;
  let waiting;
  const head = () => {
    const pairs = [...headers.values()].flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((each) => [name, String(each)]));
    const type = headers.get('content-type')?.[1];
    return { status: Number(response.statusCode) || 500, headers: pairs.filter(([name]) => !/^content-(type|length)$/i.test(name)), contentType: type ? String(type) : 'text/html; charset=utf-8' };
  };
  const start = (next) => {
    clearImmediate(waiting);
    response.headersSent = true;
    answer.start(head(), Buffer.concat(chunks), next);
    chunks.length = 0;
  };
  const response = new Writable({
    highWaterMark: MOST_HELD,
    write(chunk, encoding, next) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
      if (answer.isStarted) {
        answer.write(bytes, next);
        return;
      }
      chunks.push(bytes);
      held += bytes.length;
      if (held >= MOST_HELD && !ending) {
        start(next);
      } else {
        waiting ??= setImmediate(() => { if (!ending && !answer.isStarted) start(() => {}); });
        next();
      }
    },
    final(next) {
      clearImmediate(waiting);
      response.headersSent = true;
      if (answer.isStarted) answer.end();
      else done(head(), request.method === 'HEAD' ? Buffer.alloc(0) : Buffer.concat(chunks));
      next();
    },
  });
  const end = response.end;
  response.end = (...given) => { ending = true; return end.apply(response, given); };
  response.flushHeaders = () => { if (!answer.isStarted && !ending) start(() => {}); };
  const setHeader = (name, value) => {
    if (answer.isStarted) throw Object.assign(new Error('Cannot set headers after they are sent to the client'), { code: 'ERR_HTTP_HEADERS_SENT' });
    if (name && typeof name === 'object') for (const [key, each] of Object.entries(name)) setHeader(key, each);
    else headers.set(String(name).toLowerCase(), [String(name), value]);
    return response;
  };
  const setDefaultType = (type) => { if (!headers.has('content-type')) setHeader('Content-Type', type); };
  return Object.assign(response, {
    req: request,
    statusCode: 200,
    headersSent: false,
    locals: {},
    status(code) { response.statusCode = code; return response; },
    setHeader,
    set: setHeader,
    header: setHeader,
    append(name, value) {
      const before = headers.get(name.toLowerCase())?.[1];
      return setHeader(name, before === undefined ? value : [].concat(before, value));
    },
    get: (name) => headers.get(name.toLowerCase())?.[1],
    getHeader: (name) => headers.get(name.toLowerCase())?.[1],
    hasHeader: (name) => headers.has(name.toLowerCase()),
    removeHeader(name) { headers.delete(name.toLowerCase()); return response; },
    writeHead(code, reason, given) {
      response.statusCode = code;
      const all = typeof reason === 'object' ? reason : given;
      if (all) setHeader(all);
      return response;
    },
    type(value) { return setHeader('Content-Type', value.includes('/') ? value : { html: 'text/html; charset=utf-8', json: 'application/json', text: 'text/plain; charset=utf-8', txt: 'text/plain; charset=utf-8' }[value] ?? value); },
    json(value) {
      setDefaultType('application/json; charset=utf-8');
      response.end(JSON.stringify(value === undefined ? null : value));
      return response;
    },
    send(value) {
      if (Buffer.isBuffer(value) || value instanceof Uint8Array) {
        setDefaultType('application/octet-stream');
        response.end(Buffer.from(value));
      } else if (typeof value === 'object' && value !== null) {
        response.json(value);
      } else if (typeof value === 'number' || typeof value === 'boolean') {
        response.json(value);
      } else {
        setDefaultType('text/html; charset=utf-8');
        response.end(value == null ? '' : String(value));
      }
      return response;
    },
    sendStatus(code) { return response.status(code).type('text').send(http.STATUS_CODES[code] ?? String(code)); },
    redirect(code, url) {
      if (url === undefined) [code, url] = [302, code];
      return response.status(code).setHeader('Location', url).send('');
    },
  });
};
