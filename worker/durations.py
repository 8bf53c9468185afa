"""Durations, as people read them."""


def duration(milliseconds: int) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. The page's time.js says the same."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
