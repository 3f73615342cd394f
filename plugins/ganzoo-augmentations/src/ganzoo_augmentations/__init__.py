"""Augmentations of all samples that a discriminator sees."""
