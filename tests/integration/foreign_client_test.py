"""A client that knows nothing of this project: gRPC for Python, and what the server tells of itself by reflection."""

import importlib
import pathlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import grpc
import grpc_tools.protoc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from conftest import Server

HERE = pathlib.Path(__file__).parent


class Reflected:
    """Calls methods by name, with messages as dicts, from descriptors that the server hands out."""

    def __init__(self, target: str, reflection: ModuleType) -> None:
        self.channel = grpc.insecure_channel(target)
        self._messages = reflection
        self._pool = descriptor_pool.DescriptorPool()
        self._known: set[str] = set()

    def _ask(self, **request: str) -> Any:
        call = self.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            self._messages.ServerReflectionRequest.SerializeToString,
            self._messages.ServerReflectionResponse.FromString,
        )
        return next(call(iter([self._messages.ServerReflectionRequest(**request)])))

    def services(self) -> set[str]:
        return {service.name for service in self._ask(list_services="*").list_services_response.service}

    def _load(self, **request: str) -> None:
        for data in self._ask(**request).file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name in self._known:
                continue
            self._known.add(file.name)
            for dependency in file.dependency:
                self._load(file_by_filename=dependency)
            self._pool.Add(file)

    def call(self, service: str, method: str, request: dict[str, Any], **options: Any) -> dict[str, Any]:
        self._load(file_containing_symbol=service)
        descriptor = self._pool.FindServiceByName(service).FindMethodByName(method)
        factory = message_factory.MessageFactory(self._pool)
        request_type = factory.GetPrototype(descriptor.input_type)
        response_type = factory.GetPrototype(descriptor.output_type)
        send = self.channel.unary_unary(
            f"/{service}/{method}", request_type.SerializeToString, response_type.FromString
        )
        response = send(json_format.ParseDict(request, request_type()), timeout=30, **options)
        return json_format.MessageToDict(response, preserving_proto_field_name=True)


@pytest.fixture(scope="module")
def reflection_messages(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    out = tmp_path_factory.mktemp("reflection")
    arguments = ["protoc", f"-I{HERE}", f"--python_out={out}", "reflection.proto"]
    assert grpc_tools.protoc.main(arguments) == 0
    sys.path.insert(0, str(out))
    return importlib.import_module("reflection_pb2")


@pytest.fixture(scope="module")
def client(server: Server, reflection_messages: ModuleType) -> Iterator[Reflected]:
    reflected = Reflected(server.grpc, reflection_messages)
    yield reflected
    reflected.channel.close()


SERVICE = "synth.v1.Inference"


def test_the_server_tells_what_it_offers(client: Reflected) -> None:
    assert {SERVICE, "grpc.health.v1.Health"} <= client.services()


def test_health(client: Reflected) -> None:
    for service in ("", SERVICE):
        assert client.call("grpc.health.v1.Health", "Check", {"service": service}) == {"status": "SERVING"}


def test_classify(client: Reflected) -> None:
    response = client.call(SERVICE, "Classify", {"texts": ["what is my checking account balance", ""], "top_k": 2})
    good, empty = response["results"]
    assert good["labels"][0]["name"] == "balance"
    assert len(good["labels"]) == 2
    assert empty["status"]["code"] == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert response["timings"]["total"] > 0


def test_encode(client: Reflected) -> None:
    response = client.call(
        SERVICE, "Encode", {"texts": ["play some jazz"], "normalize": True, "pooling": "POOLING_MEAN"}
    )
    vector = response["results"][0]["embedding"]
    assert sum(x * x for x in vector) == pytest.approx(1, abs=1e-5)


def test_tokenize_and_get_model(client: Reflected) -> None:
    tokens = client.call(SERVICE, "Tokenize", {"texts": ["play some jazz"]})["results"][0]
    assert len(tokens["ids"]) == len(tokens["pieces"])
    model = client.call(SERVICE, "GetModel", {})
    assert model["model"]["name"] == "intent-clinc150"
    assert len(model["labels"]) == 150
    assert model["precision"] == "f32"


def test_errors_have_their_codes(client: Reflected) -> None:
    with pytest.raises(grpc.RpcError) as error:
        client.call(SERVICE, "Classify", {"texts": ["a"], "model": "nonsense"})
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as error:
        client.call(SERVICE, "Encode", {})
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "texts" in error.value.details()


def test_a_compressed_request_is_refused_by_name(client: Reflected) -> None:
    with pytest.raises(grpc.RpcError) as error:
        client.call(SERVICE, "Classify", {"texts": ["play some jazz"]}, compression=grpc.Compression.Gzip)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "gzip" in error.value.details()
    response = client.call(SERVICE, "Classify", {"texts": ["what is my checking account balance"]})
    assert response["results"][0]["labels"][0]["name"] == "balance"
