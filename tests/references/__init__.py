"""The published programs, written plainly in torch, as a yardstick for the zoo's networks and runs.

One module a program: its networks as published (with the sigmoid where the discriminator has one),
its numbers, and ``train_step``, one iteration on a given batch and given latents. Images are
(N, 1, 28, 28) in [-1, 1]; any number format will do. Nothing here imports ganzoo.
"""
