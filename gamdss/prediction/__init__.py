"""Videos, clips and recordings without annotation -> expressions and their key frames."""
