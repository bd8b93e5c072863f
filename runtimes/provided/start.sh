# Says READY on descriptor 3 (see ../PROTOCOL.md) and waits there for an empty line: by then the package lies in /var/task, and standard
# input, a file in memory, holds two commands, all of whose words are in quotes. One exports the environment, the other makes the
# program and its arguments the positional parameters.
printf '\0\0\0\4\1\0\0\0\0' >&3
read -r _ <&3 || exit 125
. /proc/self/fd/0
exec 3>&- </dev/null "$@"
