# Says READY on descriptor 3 (see ../PROTOCOL.md), waits there for an empty line, which says that the network is there, closes it, and
# becomes the function's program.
printf '\0\0\0\4\1\0\0\0\0' >&3
read -r _ <&3 || exit 125
exec 3>&- "$@"
