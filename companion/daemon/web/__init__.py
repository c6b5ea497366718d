"""The page that the daemon serves: static files, built of obsidian-plugin/ui/ by `make dev`."""
