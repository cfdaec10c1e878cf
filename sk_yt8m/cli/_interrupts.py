"""Ctrl-C during a training: the training ends, and the model is still saved."""

import os
import signal
import threading
import warnings
from types import FrameType
from typing import Any

_SAVING = b"\nThe model is being saved; Ctrl-C once more to go without it\n"


class Interrupts:
    """Counts SIGINT while a model is trained and saved.

    The first one during the training raises a KeyboardInterrupt. Later, while the model is being
    saved, the first one only prints a message and the next one raises a KeyboardInterrupt.

    Attributes
    ----------
    training : bool
        Whether the training is running; to be set to False at its end.
    seen : bool
        Whether the training was interrupted: by a signal, or as `fit` says in a warning.
    """

    def __init__(self) -> None:
        self.training, self.seen, self._told = True, False, False

    def __enter__(self) -> "Interrupts":
        from sk_yt8m._training.epoch_loop import TrainingInterruptedWarning

        # Another handler, or none in a background process, is somebody's choice.
        self._installed = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._installed:
            signal.signal(signal.SIGINT, self._interrupt)
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        self._show, self._category = warnings.showwarning, TrainingInterruptedWarning
        warnings.showwarning = self._see
        warnings.simplefilter("always", TrainingInterruptedWarning)
        return self

    def __exit__(self, *exception: object) -> None:
        self._warnings.__exit__(None, None, None)
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        first, self.seen = not self.seen, True
        if (self.training and first) or self._told:
            raise KeyboardInterrupt
        self._told = True
        os.write(2, _SAVING)  # print may be at work

    def _see(
        self, message: Warning | str, category: type[Warning], *rest: Any, **more: Any
    ) -> None:
        self.seen = self.seen or issubclass(category, self._category)
        self._show(message, category, *rest, **more)
