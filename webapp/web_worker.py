"""gunicorn's threads, with two things changed.

A client that is slow to hang up keeps only itself waiting. After an answer with `Connection: close` gunicorn waits, up
to two seconds, until the client has closed its end too, so that no reset cuts off the last bytes (RFC 9112, section
9.6). It does so in its main loop, where a process accepts and hands on everything: one client that stays on the line
stops the process for all others, and even prompt ones cost everybody their round trip. Here the loop goes on and hears
of it when the client is gone.

And a process whose threads are all at work leaves new clients to the others. gunicorn's accepts up to a thousand, which
then wait in one process while another has nothing to do.
"""

import socket
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

PATIENCE = 2.0  # seconds, as gunicorn's own
MOMENT = 0.003  # most hang up at once, and to look out for them costs more than to wait
AT_ONCE = 65536


def stays_on_the_line(client: socket.socket) -> bool:
    """Say that nothing more will come; whether the client is still there a moment later."""
    try:
        client.shutdown(socket.SHUT_WR)
        client.settimeout(MOMENT)
        return bool(client.recv(AT_ONCE))
    except TimeoutError:
        return True
    except OSError:
        return False


class Worker(ThreadWorker):
    """For `worker_class`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hanging_up: deque[TConn] = deque()  # the one who has been asked first, first
        self.at_work = 0  # requests that a thread has or that wait for one; the main loop alone counts them

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called at every turn of the loop that finds it otherwise than gunicorn would have it."""
        super().set_accept_enabled(enabled and self.at_work < self.cfg.threads)

    def enqueue_req(self, conn: TConn) -> None:
        self.at_work += 1
        super().enqueue_req(conn)
        if self.at_work >= self.cfg.threads:
            self.set_accept_enabled(False)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        self.at_work -= 1
        if fs.cancelled() or fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self.hang_up(conn)

    def hang_up(self, conn: TConn) -> None:
        """Say that nothing more will come, and wait for the client's end without standing still."""
        if not stays_on_the_line(conn.sock):
            self.nr_conns -= 1
            conn.close()
            return
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, EVENT_READ, partial(self.heard_from, conn))
        conn.timeout = time.monotonic() + PATIENCE
        self.hanging_up.append(conn)

    def heard_from(self, conn: TConn, client: socket.socket) -> None:
        """What still comes is thrown away; its end, an error or a flood of it closes the connection."""
        try:
            more = client.recv(AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        if not more or len(more) == AT_ONCE:
            self.hanging_up.remove(conn)
            self.let_go(conn)

    def let_go(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Called at every turn of the loop: also of those who did not hang up in time."""
        super().murder_pending()
        while self.hanging_up and self.hanging_up[0].timeout < time.monotonic():
            self.let_go(self.hanging_up.popleft())
