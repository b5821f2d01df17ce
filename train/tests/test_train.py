"""The tools, end to end, on data small enough for a test."""

from __future__ import annotations

import itertools
import json
import lzma
import math
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from train import golden
from train.checkpoint import load_checkpoint
from train.config import ConfigError
from train.data import DataError, Example, batches_by_length, read_labels, read_tsv
from train.evaluate import evaluate
from train.export import export
from train.optimizer import make_optimizer
from train.out_of_scope import choose, threshold_at
from train.predict import accuracy, auroc, embed, predict
from train.pretrain import MaskedLanguageModel
from train.tests.conftest import FACTORIZED_RANDOM, make_model
from train.tokenizer import Tokenizer
from train.train import train

TAB = "\t"


def weights(run: Path) -> dict[str, torch.Tensor]:
    """The last epoch's weights and their averages."""
    state = torch.load(run / "last.pt")
    return {f"{part}.{k}": v for part in ("model", "average") for k, v in state[part].items()}


def without_seconds(log: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if "seconds" not in k} for line in lines]


def test_interrupted_and_resumed_equals_uninterrupted(recipe: Path, data: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    best = train(recipe, data, whole, seed=5)
    train(recipe, data, parts, seed=5, max_epochs=2)
    assert train(recipe, data, parts, seed=5, resume=True) == best
    expected, resumed = weights(whole), weights(parts)
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)
    assert without_seconds(whole / "log.jsonl") == without_seconds(parts / "log.jsonl")
    assert len(without_seconds(whole / "log.jsonl")) == 4


def test_train_export_evaluate(recipe: Path, data: Path, tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    best = train(recipe, data, run, seed=1)
    export(run, out, "F32")
    predictions = tmp_path / "predictions.tsv"
    report = evaluate(out, data / "dev.tsv", predictions, data / "oos_dev.tsv")
    assert report["accuracy"] == round(best["dev_accuracy"], 4)
    assert report["out_of_scope_texts"] == 2 and 0 <= report["auroc_energy"] <= 1
    rows = [line.split("\t") for line in predictions.read_text(encoding="utf-8").splitlines()]
    right = sum(predicted == given for predicted, given, _ in rows)
    assert right / len(rows) == pytest.approx(report["accuracy"], abs=1e-4)
    assert load_checkpoint(out).config.labels == ("ask", "on", "off")


def test_early_stopping_and_seed_and_run_folder_rules(recipe: Path, data: Path, tmp_path: Path) -> None:
    content = json.loads(recipe.read_text(encoding="utf-8"))
    content["training"].update(patience=1, learning_rate=0.0)
    recipe.write_text(json.dumps(content), encoding="utf-8")
    run = tmp_path / "run"
    train(recipe, data, run, seed=1)
    assert len(without_seconds(run / "log.jsonl")) == 2
    with pytest.raises(ConfigError, match="--resume"):
        train(recipe, data, run, seed=1)
    with pytest.raises(ConfigError, match="--seed 1"):
        train(recipe, data, run, seed=2, resume=True)
    content["training"]["dropout"] = 0.5
    recipe.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="another recipe"):
        train(recipe, data, run, seed=1, resume=True)


def test_multi_label_training(recipe: Path, data: Path, tmp_path: Path) -> None:
    content = json.loads(recipe.read_text(encoding="utf-8"))
    content["model"]["problem_type"] = "multi_label_classification"
    content["training"].update(r_drop=0.0, epochs=2)
    recipe.write_text(json.dumps(content), encoding="utf-8")
    with open(data / "train.tsv", "a", encoding="utf-8") as out:
        out.write("on,ask\tturn on and tell me about the lamp\n\tnothing of it\n")
    train(recipe, data, tmp_path / "run", seed=1)
    report = evaluate(tmp_path / "run" / "best", data / "train.tsv")
    assert report["texts"] == 56


def test_unknown_training_key_is_an_error(recipe: Path, data: Path, tmp_path: Path) -> None:
    content = json.loads(recipe.read_text(encoding="utf-8"))
    content["training"]["learnin_rate"] = 1
    recipe.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"training\.learnin_rate: unknown"):
        train(recipe, data, tmp_path / "run", seed=1)
    for value in (0, 7.5):
        content["training"] = {"batch_size": value}
        recipe.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(ConfigError, match=r"training\.batch_size: expected a whole number of 1"):
            train(recipe, data, tmp_path / "run", seed=1)


def test_weight_decay_is_for_matrices_alone() -> None:
    model = make_model(attention=FACTORIZED_RANDOM)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    optimizer = make_optimizer(model, 1.0, weight_decay=0.5, score_rate=2.0, position_rate=0.1)
    rates = {
        names[id(parameter)]: (group["weight_decay"], group["scale"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    assert rates.keys() == set(names.values())
    layer = "encoder.layer.0."
    assert rates[layer + "attention.self.value.weight"] == (0.5, 1.0)
    assert rates["embeddings.word_embeddings.weight"] == (0.5, 1.0)
    assert rates[layer + "attention.self.value.bias"] == (0.0, 1.0)
    assert rates[layer + "attention.output.LayerNorm.weight"] == (0.0, 1.0)
    assert rates[layer + "attention.self.factorized_random.r1"] == (0.0, 2.0)
    assert rates["embeddings.position_embeddings.weight"] == (0.0, 0.1)
    head = MaskedLanguageModel(model)
    decayed = {id(p) for p in make_optimizer(head, 1.0, 0.5).param_groups[0]["params"]}
    assert id(head.dense.weight) in decayed and id(head.norm.weight) not in decayed


def test_a_run_without_a_state_is_begun_not_resumed(recipe: Path, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(ConfigError, match="begin without --resume"):
        train(recipe, data, run, seed=1, resume=True)
    (run / "log.jsonl").write_text('{"epoch": 1}\n', encoding="utf-8")  # cut off behind it
    train(recipe, data, run, seed=1, max_epochs=2)
    assert len(without_seconds(run / "log.jsonl")) == 2


def test_labels_may_be_compressed_but_not_empty(data: Path) -> None:
    examples = read_tsv(data / "train.tsv")
    expected = read_labels(data, examples)
    with lzma.open(data / "labels.txt.xz", "wt", encoding="utf-8") as out:
        out.write((data / "labels.txt").read_text(encoding="utf-8"))
    (data / "labels.txt").unlink()
    assert read_labels(data, examples) == expected
    with pytest.raises(DataError, match="label '' of a training text is missing"):
        read_labels(data, [*examples, Example(("on", ""), "a comma too many")])


def test_data_errors_name_file_and_line(data: Path, recipe: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tsv"
    bad.write_text("on\tfine\nno tab here\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad.tsv:2: expected label<TAB>text"):
        read_tsv(bad)
    bad.write_bytes(b"on\tfine\non\t\xff\n")
    with pytest.raises(DataError, match=r"bad.tsv:\d+: unreadable"):
        read_tsv(bad)
    bad.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="no lines"):
        read_tsv(bad)
    (data / "labels.txt").write_text("on\noff\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"labels\.txt: the label 'ask'"):
        train(recipe, data, tmp_path / "run", seed=1)


def test_a_class_that_only_dev_has_is_an_error(data: Path, recipe: Path, tmp_path: Path) -> None:
    (data / "dev.tsv").write_text("on\tstart it\nnews\twhat is new\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"dev\.tsv:2: the model has no class 'news'"):
        train(recipe, data, tmp_path / "run", seed=1)


def test_xz_and_plain_read_alike(data: Path, tmp_path: Path) -> None:
    packed = tmp_path / "train.tsv.xz"
    packed.write_bytes(lzma.compress((data / "train.tsv").read_bytes()))
    assert read_tsv(packed) == read_tsv(data / "train.tsv")


def test_batches_hold_every_row_once() -> None:
    lengths = [random.Random(1).randrange(1, 30) for _ in range(77)]
    for rng in (None, random.Random(2)):
        batches = list(batches_by_length(lengths, 8, rng))
        assert sorted(row for batch in batches for row in batch) == list(range(77))
        assert max(map(len, batches)) == 8


def test_auroc_counts_ties_half() -> None:
    inside, outside = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.tensor([0.4, 0.25])
    assert auroc(inside, outside) == pytest.approx((3.5 + 2) / 8)


def test_out_of_scope_threshold_marks_the_share_asked_for() -> None:
    scores = torch.arange(100.0) / 100
    for share in (0.05, 0.5, 0.0):
        assert (scores > threshold_at(scores, share)).double().mean() == pytest.approx(share)


def test_out_of_scope_choice_takes_the_better_score() -> None:
    inside = torch.tensor([[9.0, 0.0], [0.0, 8.0], [7.0, 1.0]])
    unsure = torch.tensor([[20.0, 20.0], [15.0, 15.0]])  # large logits, but no decision
    assert choose(inside, unsure, 0.05)["score"] == "max_probability"
    small = torch.tensor([[1.0, -20.0], [0.0, -30.0]])  # a decision, but small logits
    assert choose(inside, small, 0.05)["score"] == "energy"


def test_multi_label_accuracy_wants_the_whole_set() -> None:
    logits = torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    assert accuracy(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]])) == 0.5


def is_synthesizer(folder: Path) -> bool:
    """Other layouts have golden values by the library that they come from."""
    config = json.loads(folder.joinpath("config.json").read_text(encoding="utf-8"))
    return bool(config["model_type"] == "synthesizer")


def test_goldens_are_what_the_reference_gives() -> None:
    """The committed files are those that the tool writes: only the arithmetic may differ."""
    committed = Path(__file__).parents[2] / "tests" / "golden"
    folders = sorted(path for path in committed.iterdir() if path.is_dir())
    ours = [folder for folder in folders if is_synthesizer(folder)]
    assert len(ours) > 20
    for folder in ours:
        kept = load_file(str(folder / "golden.safetensors"))
        ends = kept["offsets"].tolist()
        ids = kept["token_ids"].tolist()
        texts = [ids[start:end] for start, end in itertools.pairwise(ends)]
        computed = golden.golden_results(folder, texts)
        assert computed.keys() == kept.keys()
        for name, tensor in computed.items():
            assert torch.allclose(tensor, kept[name], rtol=1e-5, atol=1e-6), (folder.name, name)


def test_golden_texts_match_the_tokenizer() -> None:
    folder = Path(__file__).parents[2] / "tests" / "golden" / "tokenized"
    config = load_checkpoint(folder).config
    tokenizer = Tokenizer.of_checkpoint(folder, config.tokenizer)
    for item in json.loads((folder / "texts.json").read_text(encoding="utf-8")):
        assert tokenizer.encode(item["text"]) == item["ids"]
        assert max(item["ids"]) < config.vocab_size


def test_sampled_segmentations_spell_the_same_text(recipe: Path, data: Path, tmp_path: Path) -> None:
    train(recipe, data, tmp_path / "run", seed=1, max_epochs=1)
    tokenizer = Tokenizer(tmp_path / "run" / "tokenizer.model", "<s>", "</s>")
    rng = random.Random(1)
    drawn = {tuple(tokenizer.sample("Turn off the lamp", 24, 0.1, rng)) for _ in range(20)}
    assert len(drawn) > 3
    assert {tokenizer.processor.decode(list(ids)) for ids in drawn} == {"turn off the lamp"}


def test_underflow_guard_golden_has_underflowing_prefixes() -> None:
    folder = Path(__file__).parents[2] / "tests" / "golden" / "underflow_guard"
    model = load_checkpoint(folder)
    for layer in model.encoder.layer:
        scores = layer.attention.self(torch.zeros(1, 12, 18))[0]  # [H, L, L]
        prefix = scores.cummax(dim=-1).values
        assert (scores.amax(-1, keepdim=True) - prefix > 120).any()


def test_make_model_is_far_from_uniform() -> None:
    model = make_model(attention={"type": "factorized_random", "k": 3})
    scores = model.encoder.layer[0].attention.self(torch.zeros(1, 12, 10))
    assert scores.softmax(-1).amax(-1).mean() > 0.3


def test_windows_cover_a_long_text(recipe: Path, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(recipe, data, run, seed=1, max_epochs=1)
    tokenizer = Tokenizer(run / "tokenizer.model", "<s>", "</s>")
    first, *body, last = tokenizer.encode("turn on the lamp and stop my song, what is this door")
    text = tokenizer.processor.decode(body)
    for length in range(8, len(body) + 4):
        windows = tokenizer.windows(text, length)
        assert all(w[0] == first and w[-1] == last for w in windows)
        inner = [w[1:-1] for w in windows]
        if len(body) <= length - 2:
            assert inner == [body]
            continue
        assert all(len(w) == length for w in windows)
        room = length - 2
        steps = math.ceil((len(body) - room) / (room - length // 8))
        starts = [i * (len(body) - room) // steps for i in range(steps + 1)]
        assert inner == [body[start : start + length - 2] for start in starts]
        assert tokenizer.pieces([text], length, windows=True) == [windows]
        drawn = tokenizer.any_window(tokenizer.encode(text), length, random.Random(1))
        assert drawn[1:-1] in [body[i : i + length - 2] for i in range(len(body))]
        assert len(drawn) == length and drawn[0] == first and drawn[-1] == last


def test_a_long_text_is_scored_by_the_vector_of_its_windows() -> None:
    for pooling, join in (("mean", torch.mean), ("max", torch.amax)):
        model = make_model(attention={"type": "dot_product"}, pooling=pooling)
        one, other = [3, 4, 5, 6], [5, 6, 7, 8]
        vectors = embed(model, [one, other])
        both = predict(model, [[one, other], [one]])
        assert torch.allclose(both[0], model.classifier(join(vectors, 0)), atol=1e-6)
        assert torch.allclose(both[1], model.classifier(vectors[0]), atol=1e-6)


def test_training_with_windows_reads_what_truncation_hides(recipe: Path, data: Path, tmp_path: Path) -> None:
    lines = (data / "train.tsv").read_text(encoding="utf-8").splitlines()
    long = "".join(f"{line.split(TAB)[0]}\t{'and so ' * 8}{line.split(TAB)[1]}\n" for line in lines)
    for name in ("train.tsv", "dev.tsv"):
        (data / name).write_text(long, encoding="utf-8")
    content = json.loads(recipe.read_text(encoding="utf-8"))
    accuracies = []
    for windows in (0, 1):
        content["model"]["max_position_embeddings"] = 16
        content["training"] = {
            "epochs": 12,
            "patience": 12,
            "learning_rate": 0.02,
            "batch_size": 8,
            "sliding_windows": windows,
        }
        recipe.write_text(json.dumps(content), encoding="utf-8")
        run = tmp_path / str(windows)
        accuracies.append(train(recipe, data, run, seed=1)["dev_accuracy"])
        report = evaluate(run / "best", data / "dev.tsv", windows=windows == 1)
        assert report["accuracy"] == round(accuracies[-1], 4)
    assert accuracies[0] < 0.5 < accuracies[1]
