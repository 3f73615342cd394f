"""The watchdog: a callback that every run has unless its spec says otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ganzoo.components import Callback, CallbackSetting, CallbackState, Component


class Watchdog(Callback):
    """Names what goes wrong in a training, with the evidence and what helps.

    It knows a discriminator that has won, collapse, a dead generator, exploding and vanishing gradients,
    oscillation, memorization of training samples, augmentations that show in generated samples, and
    growth that ends in numbers that are not finite.
    Each is recorded once, when it begins.
    """

    type: Literal["watchdog"] = "watchdog"

    on: Literal["warn", "stop"] = Field(
        default="warn", description="What to do at a finding: warn and train on, or stop the run."
    )
    every: int = Field(default=50, ge=1, description="Steps from one look to the next.")

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build what looks."""
        del setting
        from ganzoo.builtin.watching import Watch

        return Watch(self.every, stops=self.on == "stop")


COMPONENTS: tuple[type[Component], ...] = (Watchdog,)
