# Says READY on descriptor 3 (see ../PROTOCOL.md), waits until the worker listens on the Runtime API's port and closes its end,
# and becomes the function's bootstrap.
printf '\0\0\0\4\1\0\0\0\0' >&3
read -r _ <&3
exec 3>&- "$@"
