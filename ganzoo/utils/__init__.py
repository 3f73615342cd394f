"""Small tools that know nothing of GANs: files, seeds, devices, processes, progress, pictures."""
