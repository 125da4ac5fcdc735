"""What the exit code of every script says; the README has the table."""

ALL_DONE = 0
# The others are done, and the summary or report names the failed ones.
SOME_FAILED = 1
# Nothing could be started: a wrong option, a missing folder or model, a file in the way. argparse exits with 2 as well.
NOT_STARTED = 2
# Stopped by Ctrl-C; what is done stays.
INTERRUPTED = 130

EPILOG = ('Exit code: 0 when all is done, 1 when something failed (the rest is done), 2 when nothing could be started, '
          '130 when stopped by Ctrl-C.')
