"""Requests as bytes, and calls of methods by their names; generated from the proto when first imported."""

import importlib
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

import grpc

_PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
_SERVICE = "/synth.v1.Inference/"


def _generate() -> Any:
    with tempfile.TemporaryDirectory() as out:
        # Debian's grpc_tools is older than `optional` in proto3.
        subprocess.run(["protoc", f"-I{_PROTO}", f"--python_out={out}", "synth/v1/inference.proto"], check=True)
        sys.path.insert(0, out)
        try:
            return importlib.import_module("synth.v1.inference_pb2")
        finally:
            sys.path.remove(out)


pb = _generate()


def channel(target: str, *more: tuple[str, Any]) -> grpc.Channel:
    """A channel with a connection of its own, without retries and without a limit of answers."""
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
        ("grpc.max_receive_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 200),
        *more,
    ]
    return grpc.insecure_channel(target, options=options)


def method(connection: grpc.Channel, name: str) -> grpc.UnaryUnaryMultiCallable:
    """The method as a function from bytes to bytes."""
    return connection.unary_unary(_SERVICE + name)


def path(name: str) -> str:
    return _SERVICE + name


def encode(texts: list[str], **fields: Any) -> bytes:
    return pb.EncodeRequest(texts=texts, **fields).SerializeToString()


def classify(texts: list[str], **fields: Any) -> bytes:
    return pb.ClassifyRequest(texts=texts, **fields).SerializeToString()


def tokenize(texts: list[str]) -> bytes:
    return pb.TokenizeRequest(texts=texts).SerializeToString()


def framed(message: bytes, compressed: bool = False) -> bytes:
    """A message as it stands in a gRPC body."""
    return bytes([compressed]) + len(message).to_bytes(4, "big") + message
