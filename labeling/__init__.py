"""People: prompts, completions, comparisons, judgments, quality, agreement."""
