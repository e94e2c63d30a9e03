"""Lists as they come: one file per format behind `opening.open_source`. Nothing is imported here: it costs time."""
