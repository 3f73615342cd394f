"""For authors of plugins: new packages from templates, and the kit that checks what they provide."""
