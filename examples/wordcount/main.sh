#!/bin/sh
# The event is on standard input; what is printed is the answer; an exit status other than 0 is a failure.
set -eu
wc | {
  read -r lines words bytes
  printf '{"lines": %d, "words": %d, "bytes": %d}\n' "$lines" "$words" "$bytes"
}
