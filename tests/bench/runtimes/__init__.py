"""What compare_runtimes.py, cost_vs_length.py and mixed_lengths.py are made of."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
# For `train`, the reference, which like everything else of the project is not installed.
sys.path.insert(0, str(ROOT))
