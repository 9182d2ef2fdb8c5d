"""The demo's story played headless, end to end, over the real HTTP interface, by simulated annotators."""
