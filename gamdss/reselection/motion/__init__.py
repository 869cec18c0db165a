"""Key frames by a model of rise and fall, fitted to the motion of a clip."""
