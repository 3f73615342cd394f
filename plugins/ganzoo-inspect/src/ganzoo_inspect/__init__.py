"""What a folder, a zip file or an array file holds, before anything is trained on it."""
