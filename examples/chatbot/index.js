// A chatbot that answers word by word, as server-sent events. GET / is a page to talk to it;
// GET /chat?say=... and POST /chat with {"messages": ["...", "..."]} are the talk itself.
'use strict';

const { setTimeout: pause } = require('node:timers/promises');
const { reply } = require('./eliza.js');

const PAGE = `<!doctype html><meta charset="utf-8"><title>Chatbot</title>
<h1>How do you do. Please tell me your problem.</h1>
<form><input name="say" size="60" autofocus autocomplete="off"> <button>Say</button></form><div id="talk"></div>
<script>
const said = [];
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  said.push(event.target.say.value);
  const line = document.getElementById('talk').appendChild(document.createElement('p'));
  line.textContent = said.at(-1) + ' \\u2014 ';
  const words = new EventSource('chat?' + new URLSearchParams(said.map((each) => ['say', each])));
  words.onmessage = (message) => { line.textContent += JSON.parse(message.data).text; };
  words.addEventListener('done', () => words.close());
  event.target.reset();
};
</script>`;

exports.chat = async (req, res) => {
  if (req.method === 'GET' && req.path === '/') {
    res.type('html').send(PAGE);
    return;
  }
  const said = req.method === 'POST' ? req.body?.messages : [].concat(req.query.say ?? []);
  if (!Array.isArray(said) || said.length === 0 || !said.every((each) => typeof each === 'string')) {
    res.status(400).json({ error: 'Say something: GET /chat?say=Hello, or POST /chat with {"messages": ["Hello"]}.' });
    return;
  }
  res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const words = reply(said).match(/\S+\s*/g);
  for (const text of words) {
    // write() is false when the reader is slower than the writer: then wait until it has caught up.
    if (!res.write(`data: ${JSON.stringify({ text })}\n\n`)) await new Promise((resolve) => res.once('drain', resolve));
    await pause(Math.min(200, 20 * text.length));
  }
  res.end(`event: done\ndata: ${JSON.stringify({ words: words.length })}\n\n`);
};
