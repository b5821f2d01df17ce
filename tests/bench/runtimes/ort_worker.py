"""ONNX Runtime on one thread. A batch command names the .onnx file for its shape in "model"."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from runtimes.worker import serve

# ONNX Runtime 1.32's SkipLayerNormalization is not vectorized on a CPU: it takes a quarter of an f32 run and
# almost half of an int8 one, many times what the Add and the LayerNormalization that it replaces take.
SLOWER_FUSIONS = ["SkipLayerNormFusion"]


class OrtEncoder:
    def __init__(self) -> None:
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}
        self.tokens = 0
        # Of the current batch.
        self.session: onnxruntime.InferenceSession
        self.binding: onnxruntime.IOBinding
        self.output: onnxruntime.OrtValue

    def set_batch(self, token_ids: NDArray[np.int32], lengths: list[int], command: dict[str, Any]) -> None:
        if len(set(lengths)) != 1:
            raise ValueError(f"lengths: expected texts of one length, found {sorted(set(lengths))}")
        path = command["model"]
        if path not in self.sessions:
            self.sessions[path] = open_session(path)
        self.session, self.tokens = self.sessions[path], len(token_ids)
        (output,) = self.session.get_outputs()
        ids = token_ids.reshape(len(lengths), lengths[0])
        self.output = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty(output.shape, np.float32))
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input("token_ids", onnxruntime.OrtValue.ortvalue_from_numpy(ids))
        self.binding.bind_ortvalue_output(output.name, self.output)

    def forward(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def hidden(self) -> NDArray[np.float32]:
        return self.output.numpy().reshape(self.tokens, -1)


def open_session(path: str) -> onnxruntime.InferenceSession:
    """A session on one thread with all optimizations but those that make it slower."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWER_FUSIONS
    )


if __name__ == "__main__":
    serve(OrtEncoder(), {"onnxruntime": onnxruntime.__version__})
