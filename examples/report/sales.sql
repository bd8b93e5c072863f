-- What the report reads, with a few sales to try it.
CREATE TABLE sales (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sold_at timestamptz NOT NULL,
  region text NOT NULL,
  amount numeric(12, 2) NOT NULL
);
CREATE INDEX ON sales (sold_at);

INSERT INTO sales (sold_at, region, amount) VALUES
  ('2025-12-31 23:30:00Z', 'north', 500.00),
  ('2026-01-01 00:10:00Z', 'north', 120.50),
  ('2026-01-14 09:00:00Z', 'south', 79.50),
  ('2026-02-02 12:00:00Z', 'north', 250.10),
  ('2026-02-28 23:59:59Z', 'south', 0.20),
  ('2026-03-20 08:30:00Z', 'south', 99.99),
  ('2026-03-21 08:30:00Z', 'south', 99.99),
  ('2026-03-22 08:30:00Z', 'south', 100.32),
  ('2026-05-01 15:45:00Z', 'north', 1200.00);
