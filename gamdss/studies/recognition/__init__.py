"""Recognition against the error of the annotator, on synthetic clips with known key frames."""
