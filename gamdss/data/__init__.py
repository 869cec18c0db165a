"""From a dataset's files to uint8 key frames: specs, annotations, frames, store, splits."""
