# A job that writes down its own start and end: job.sh KIND GIVEN
given=$2
note() { echo "$WINDLASS_INSTANCE $WINDLASS_ATTEMPT $$ $1 $given" >> evidence; }
note start
# Whoever starts later sees the line of whoever started before, so of two that are alive one says so.
while read -r instance attempt pid what rest; do
    [ "$instance" = "$WINDLASS_INSTANCE" ] && [ "$what" = start ] && [ "$pid" != $$ ] || continue
    [ -r "/proc/$pid/environ" ] || continue
    tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null > ".environ.$$"
    if grep -qx "WINDLASS_TEST_MARK=$WINDLASS_TEST_MARK" ".environ.$$" &&
        grep -qx "WINDLASS_INSTANCE=$instance" ".environ.$$"; then
        note overlap
    fi
done < evidence
rm -f ".environ.$$"
case $1 in
stream) trap 'note end; exit 0' TERM; while :; do sleep 1000 & wait $!; done ;;
stubborn) trap '' TERM; while :; do sleep 1000; done ;;
batch) sleep 0.05; note end ;;
slow) sleep 1; note end ;;
told) until [ -e told ]; do sleep 0.05; done; note end ;;
endless) sleep 1000; note end ;;
fail) note end; exit 3 ;;
die) kill -KILL $$ ;;
esac
