"""The app as a web server: Streamlit's own, with one constant style and two headers of ours.

``streamlit run app/server.py``; ``python -m app`` does that. The style is part of the page's head, so that it holds from
the first frame on: the sidebar's place is kept free before it is drawn (else everything moves aside), and small text has
enough contrast. The headers keep other sites from putting the workbench into a frame.
"""

import gc
import importlib
import inspect
import logging
import pkgutil
from contextlib import suppress
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import ui
from backend.errors import UserError
from backend.suites import default_profile, fingerprint_of_all, task_names

_caching = logging.getLogger("streamlit.runtime.caching.cache_data_api")
_caching.disabled = True  # it warns at each cached function that no page is being drawn
for _part in pkgutil.iter_modules(ui.__path__, "app.ui."):
    importlib.import_module(_part.name)  # what the pages need is loaded before anybody waits for one
_caching.disabled = False
with suppress(UserError):  # a suite that cannot be read is said on the page
    fingerprint_of_all(task_names(), default_profile())  # kept in the process
inspect.stack()  # Streamlit asks for it at a process's first widget, and it looks through every loaded module
gc.collect()
gc.freeze()  # what is loaded stays: no collection needs to look through it again (see app.ui.state)

_APP = Path(__file__).parent
_STYLE = f"<style>{(_APP / 'page.css').read_text(encoding='utf-8')}</style>".encode()
_FRAMES = {"X-Frame-Options": "SAMEORIGIN", "Content-Security-Policy": "frame-ancestors 'self'"}
_OF_THE_FILE = (b"accept-encoding", b"if-none-match", b"if-modified-since")


class OwnHead:
    """Middleware: the style into the head of every page, and the headers about frames into every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_FRAMES)
                if headers.get("content-type", "").startswith("text/html"):
                    start = message  # its length is known when the whole page is there
                    return
            elif start:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                page = body.replace(b"</head>", _STYLE + b"</head>", 1)
                MutableHeaders(scope=start)["content-length"] = str(len(page))
                await send(start)
                await send({"type": "http.response.body", "body": page})
                return
            await send(message)

        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            # A page must come whole and unpacked to be changed; "not modified" would speak of Streamlit's file, not of ours.
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k not in _OF_THE_FILE]}
        await self.app(scope, receive, changed)


app = st.App(_APP / "main.py", middleware=[Middleware(OwnHead)])
