"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

from ganzoo_devkit.testing import conformance
from ganzoo_translation.algorithms import CUT, CycleGAN, Pix2Pix
from ganzoo_translation.components import PatchGAN, ResNetTranslator, UNet

SMALL = {"type": "resnet-translator", "channels": 2, "blocks": 1}

test_conformance = conformance(
    "ganzoo-translation",
    examples=[
        UNet(channels=2),
        ResNetTranslator(channels=2, blocks=1),
        PatchGAN(channels=2),
        Pix2Pix(
            generator={"type": "unet", "channels": 2},
            discriminator={"type": "patchgan", "channels": 2},
        ),
        CUT(
            generator=SMALL,
            discriminator={"type": "patchgan", "channels": 2},
            patches=3,
            projection=4,
        ),
        CycleGAN(generator=SMALL, discriminator={"type": "patchgan", "channels": 2}, pool=6),
    ],
)
