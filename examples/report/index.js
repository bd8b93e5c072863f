// Sales by month, from a PostgreSQL database, as CSV or as a page:
//   GET /?year=2026 [&region=north] [&format=csv|html]
// DATABASE_URL says where the database is, and as whom to read: postgres://report:PASSWORD@10.1.0.5/shop
'use strict';

const { Pool } = require('pg');
const { toCsv, toPage } = require('./formats.js');

// The database adds up and rounds: its decimals are exact. Months without sales are rows too.
const SALES_BY_MONTH = `
  WITH sums AS (
    SELECT date_trunc('month', sold_at AT TIME ZONE 'UTC') AS month, count(*) AS orders, sum(amount) AS revenue
    FROM sales
    WHERE sold_at >= make_timestamptz($1::int, 1, 1, 0, 0, 0, 'UTC') AND sold_at < make_timestamptz($1::int + 1, 1, 1, 0, 0, 0, 'UTC')
      AND ($2::text IS NULL OR region = $2)
    GROUP BY 1
  ), months AS (
    SELECT month, coalesce(orders, 0) AS orders, coalesce(revenue, 0) AS revenue, lag(revenue) OVER (ORDER BY month) AS before
    FROM generate_series(make_timestamp($1::int, 1, 1, 0, 0, 0), make_timestamp($1::int, 12, 1, 0, 0, 0), interval '1 month') AS month
    LEFT JOIN sums USING (month)
  )
  SELECT to_char(month, 'YYYY-MM') AS month, orders::text, round(revenue, 2)::text AS revenue,
    round(revenue / nullif(orders, 0), 2)::text AS average, round(100 * revenue / nullif(before, 0) - 100, 1)::text AS growth
  FROM months
  UNION ALL
  SELECT 'total', sum(orders)::text, round(sum(revenue), 2)::text, round(sum(revenue) / nullif(sum(orders), 0), 2)::text, NULL
  FROM months
  ORDER BY month`;

// One connection for each sandbox, kept between calls: a sandbox serves one call at a time.
const pool = process.env.DATABASE_URL && new Pool({
  connectionString: process.env.DATABASE_URL,
  max: 1,
  connectionTimeoutMillis: 10_000,
  statement_timeout: 20_000,
  application_name: 'report',
  options: '-c default_transaction_read_only=on',
});

// A connection that the server closed while nobody called is made anew by the next call.
pool?.on('error', (error) => console.error(`idle connection lost: ${error.message}`));

exports.report = async (req, res) => {
  const { year, region = null, format = 'csv' } = req.query;
  const problem = !/^(19|20)\d\d$/.test(year) ? 'year is missing or no year; expected for example year=2026.'
    : !['csv', 'html'].includes(format) ? `format is '${format}'; expected csv or html.`
    : Array.isArray(region) ? 'region is given more than once.' : null;
  if (problem) {
    res.status(400).json({ error: problem });
    return;
  }
  const rows = await query([Number(year), region]);
  if (format === 'html') {
    res.type('html').send(toPage(`Sales of ${year}${region === null ? '' : `, ${region}`}`, rows));
  } else {
    res.type('text/csv').set('Content-Disposition', `inline; filename="sales-${year}.csv"`).send(toCsv(rows));
  }
};

async function query(parameters) {
  if (!pool) throw new Error("DATABASE_URL is not set: faas deploy --env 'DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE'.");
  try {
    return (await pool.query(SALES_BY_MONTH, parameters)).rows;
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

// What went wrong, where, and what to do; never the password.
function explain(error) {
  const { hostname, port, username: user, pathname } = new URL(process.env.DATABASE_URL);
  const where = `database '${pathname.slice(1)}' at ${hostname}:${port || 5432}`;
  if (error.code?.startsWith('28')) return `The ${where} refused the user '${user}': ${error.message}. Check DATABASE_URL and deploy again.`;
  if (error.code === '42P01' || error.code === '42501') return `The ${where} has no sales that the user '${user}' may read: ${error.message}. See sales.sql.`;
  if (error.severity) return `The ${where} failed: ${error.message} (${error.code}).`;
  return `The ${where} cannot be reached: ${error.message}. The log of this invocation says why; private networks are opened by Sandbox:AllowedNetworks.`;
}
