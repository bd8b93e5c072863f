'use strict';

const COLUMNS = { month: 'Month', orders: 'Orders', revenue: 'Revenue', average: 'Average', growth: 'Growth %' };

// RFC 4180.
exports.toCsv = (rows) => [Object.keys(COLUMNS), ...rows.map(cells)].map((line) => `${line.map(quote).join(',')}\r\n`).join('');

exports.toPage = (title, rows) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)}</title>
<style>td { text-align: right; padding: 0 1em } td:first-child { text-align: left } tr:last-child { font-weight: bold }</style>
<h1>${escape(title)}</h1>
<table>
<tr>${Object.values(COLUMNS).map((name) => `<th>${name}</th>`).join('')}</tr>
${rows.map((row) => `<tr>${cells(row).map((cell) => `<td>${escape(cell)}</td>`).join('')}</tr>`).join('\n')}
</table></html>
`;

const cells = (row) => Object.keys(COLUMNS).map((name) => row[name] ?? '');

const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
