# Counts the requests of a web server's log by status: "GET /a 200" in each line's last three words.
handler() {
  awk '
    NF < 3 || $NF !~ /^[1-5][0-9][0-9]$/ { print "line " NR " does not end in a status: " $0 > "/dev/stderr"; exit 1 }
    { count[$NF]++ }
    END { separator = "{"; for (status in count) { printf "%s\"%s\":%d", separator, status, count[status]; separator = "," } print (NR ? "}" : "{}") }
  '
}
