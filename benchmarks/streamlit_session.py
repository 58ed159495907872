"""A browser's session without a browser: Streamlit's own protocol over its web socket, for tests with many raters.

Only what a rater needs: open a page, see the buttons and the text it draws, press a button, wait for the next drawing.
"""

import time
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


class Session:
    """One open page.

    Attributes:
        buttons: label -> (widget id, fragment id) of what was drawn last.
        texts: every text of the last drawing.
    """

    def __init__(self, port: int, page: str, timeout: float = 60, **query: str) -> None:
        self._timeout = timeout
        self._query = urlencode(query)
        self._page = page
        self._socket = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            open_timeout=timeout,
            additional_headers={"Origin": f"http://127.0.0.1:{port}"},
        )
        self.buttons: dict[str, tuple[str, str]] = {}
        self.texts: list[str] = []
        self._hash = ""
        self._rerun("", "")

    def press(self, label: str) -> float:
        """Press a button and wait for the drawing that follows; returns the seconds it took."""
        widget, fragment = self.buttons[label]
        began = time.perf_counter()
        self._rerun(widget, fragment)
        return time.perf_counter() - began

    def close(self) -> None:
        """Leave, as a closed tab does."""
        self._socket.close()

    def _rerun(self, widget: str, fragment: str) -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self._query, self._hash, fragment
        if not self._hash:
            state.page_name = self._page
        if widget:
            pressed = state.widget_states.widgets.add()
            pressed.id, pressed.trigger_value = widget, True
        self._socket.send(message.SerializeToString())
        self.buttons, self.texts = {}, []
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            if self._take(ForwardMsg.FromString(self._socket.recv(timeout=self._timeout))):  # type: ignore[arg-type]
                return
        raise TimeoutError(f"no drawing of {self._page} in {self._timeout} s")

    def _take(self, message: ForwardMsg) -> bool:
        """Read one message; True when the drawing is finished."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._hash = message.new_session.page_script_hash
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element, fragment = message.delta.new_element, message.delta.fragment_id
            if element.WhichOneof("type") == "button":
                self.buttons[element.button.label] = (element.button.id, fragment)
            else:
                self.texts.append(str(element))
        return kind == "script_finished" and message.script_finished in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
        )
