"""The chapter of the second pipeline: rewards against KL, win rates, the alignment tax, answers side by side."""
