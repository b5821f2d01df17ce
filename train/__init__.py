"""Training, evaluation and export of Synthesizer text encoders."""
