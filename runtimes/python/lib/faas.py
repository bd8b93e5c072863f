"""What a function can tell the platform when it fails. docs/retries.md says more."""


class RetryAfter(Exception):
    """The attempt failed; try again after so many seconds (a number, or a datetime.timedelta)."""

    def __init__(self, seconds, message=None):
        self.retry_after_seconds = float(seconds.total_seconds() if hasattr(seconds, "total_seconds") else seconds)
        super().__init__(message or f"to be tried again after {self.retry_after_seconds:g} s")


class DoNotRetry(Exception):
    """The attempt failed, and so would every further one."""

    do_not_retry = True
