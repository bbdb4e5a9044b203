"""The frame around every stage: settings in, inputs checked, cost out."""
