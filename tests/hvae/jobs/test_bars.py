"""What a person sees of jobs."""

import io

from rich.console import Console

from hvae.jobs import bars


def test_bars_tell_what_is_done_who_works_and_how_far_each_is():
    screen = Console(file=io.StringIO(), force_terminal=True, width=120)

    def seen():
        shown.progress.refresh()
        text = screen.file.getvalue()
        screen.file.seek(0)
        screen.file.truncate()
        return text

    with bars.shown("cells", 6, 2, screen) as shown:
        shown.listener.on_wait(0)
        assert "cells, waits for workers" in seen()
        shown.listener.on_wait(3)
        shown.listener.on_step("a", 5, 20, {"sse_half": 31.25, "kl": 2.0})
        text = seen()
        assert "cells, 3 workers" in text
        assert "2/6" in text
        assert "5/20" in text
        assert "SSE/2 31.2  KL 2.0" in text
        shown.say("a: well")
        shown.end("a")
        shown.done(3, "best 7")
        shown.listener.on_step("a", 20, 20, {})  # told late
        text = seen()
        assert "a: well" in text
        assert "3/6" in text
        assert "best 7" in text
        assert "20/20" not in text.rpartition("3/6")[2]
        assert [task.description for task in shown.progress.tasks] == ["cells, 3 workers"]
