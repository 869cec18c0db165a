"""From a video or frames without annotation to key frames."""
