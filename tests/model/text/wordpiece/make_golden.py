#!/usr/bin/env python3
"""Makes the tokenizers of this folder, and golden.json: the ids that Hugging Face's tokenizers gives.

    $(scripts/python-env.sh bench) tests/model/text/wordpiece/make_golden.py

vocab.txt has a small vocabulary of its own; the other files are tokenizer.json files with it.
cased.json has added tokens with every flag, too, spaces.json such that begin or end with a space.
"""
# ruff: noqa: RUF001 (characters that look like others are what is tested)

import json
import pathlib
from typing import Any

from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).resolve().parent

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS_TEXT = """the a of un aff able turn off light lights on play some jazz Play The naive cafe café resume strasse
straße istanbul i̇stanbul ss s t i I é e E É h el lo hello world abc abcd привет ёж ежик 日 本 語 中 文 ス は ハ
한 국 ᄒ ᅡ ᆫ x y z 1 2 10 100 don it σ ς σι 𝔘 😀 ﬁ fi ½ ℌ ä ö ü
! ? . , ' " - – — … 。 、 「 」 _ # ## $ + < > = ^ ` | ~ @ & * ( ) [ ] { } / \\ : ; % ‘ ’ “ ” « » ¿ ¡ · ᙭ 〮 〯 ︎"""
PIECES_TEXT = """##aff ##able ##s ##ing ##ed ##e ##a ##b ##c ##d ##ab ##bc ##bcd ##lo ##l ##o ##h ##t ##i ##n ##r ##u
##zz ##本 ##語 ##é ##E ##ж ##ик ##1 ##0 ##00 ##ᅡ ##ᆫ ##국 ##σ ##ς ##́ ##̣ ##〮 ##〯 ##😀 ##ü ##x ##y ##abcx"""
ADDED = [
    ("<word>", {"single_word": True}),
    ("<left>", {"lstrip": True}),
    ("<right>", {"rstrip": True, "special": True}),
    ("<both>", {"lstrip": True, "rstrip": True, "single_word": True}),
    ("<both>er", {}),
    ("CAFÉ NOIR", {"normalized": True}),
    ("play", {"normalized": True, "single_word": True}),
]
SPACES = [
    (" ", {"lstrip": True, "rstrip": True}),
    ("x ", {"rstrip": True}),
    ("  a", {}),
    ("<right>", {"rstrip": True}),
    (" play", {"normalized": True, "rstrip": True}),
]

TEXTS = [
    "",
    " ",
    "turn off the lights",
    "Turn OFF the Lights!",
    "unaffable",
    "unaffables unaff unaffx",
    "abcd abcdx abcbcd abcdabcx abce",
    "hello hellolo helloh",
    "a" + "b" * 98,
    "a" + "b" * 99,
    "a" + "b" * 100,
    "é" * 99 + " " + "é" * 100 + " " + "é" * 101,
    "don't play U.S.A. 10:100, $1+2=3",
    "naïve café résumé NAÏVE CAFÉ",
    "nai\u0308ve cafe\u0301 e\u0323\u0301 e\u0301\u0323",
    "Straße STRASSE ẞ",
    "İstanbul ISTANBUL ıi",
    "ΣΙΣ Σ σς",
    "Привет, Ёжик ёж",
    "日本語は中文 ス日a本b",
    "한국 \u1112\u1161\u11ab",
    "\uf900\ufa0e\u2b81f \U0002b820 \U0002f800",
    "ﬁ fi ½ ℌ 𝔘 😀😀 👩\u200d👩",
    "a\tb\nc\rd\x0be\x0cf\x00g\x1fh\x7fi",
    "a\u0085b\u00a0c\u1680d\u2003e\u2028f\u2029g\u202fh\u205fi\u3000j",
    "a\u00adb\u200bc\u200dd\ufeffe\ufffdf\ue000g\U000f0000h\U0010ffffi",
    "a\u0890b\u08e2c\U000110cdd\U00013430e\u180ef",
    "“quoted” «text» ‘x’ – — … ¿¡ 「日」 。、",
    "$+<>=^`|~ ~~",
    "a\u166db a\u2e52b a\u2e43b a\u061db",
    "a\u0898b a\u1ac5b a\u1734b a\U000111c9b a\u0941b",
    "a\U0001d16d\u302e\U0001d165b a\u302e\u0334\u302fb a\u08d4\u302eb",
    "\U00011938 \u1c89 \ua7cb \ua7dc \U00010d50 \U00016ea0",
    "[SEP] a[MASK]b [sep] [CLS][PAD] [UNK",
    "x<word>y <word> <word>! é<word> _<word> ①<word> \u0301<word> ⓐ<word>",
    "\u1c8a<word> \u0897<word> \u1c8b<word>",
    "a  <left>  b<left> c",
    "a  <right>  b <right>\u3000\n<right> c",
    "a <both> b  <both>  <both>er <both>x",
    "café noir Café Noir cafe\u0301 noir CAFÉ NOIR caféé noir",
    "Play play playing PLAY replay",
    "##s #s ##ing hello##s",
    "a  b   c \t d <right>   <right>  x   y x  a  ab",
    "\ud7a3\uac00 \u0f73 \u0344 \u2126 \u212b",
]


def model(vocab: list[str]) -> dict[str, Any]:
    return {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {piece: i for i, piece in enumerate(vocab)},
    }


def added_token(content: str, id_: int, **flags: bool) -> dict[str, Any]:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"id": id_, "content": content} | {name: flags.get(name, False) for name in names}


def template() -> dict[str, Any]:
    def special(token: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": 0}}

    text = {"Sequence": {"id": "A", "type_id": 0}}
    tokens = {t: {"id": t, "ids": [SPECIAL.index(t)], "tokens": [t]} for t in ("[CLS]", "[SEP]")}
    single = [special("[CLS]"), text, special("[SEP]")]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}, special("[SEP]")]
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": tokens}


def tokenizer(
    vocab: list[str], lowercase: bool, added: list[dict[str, Any]], processor: dict[str, Any]
) -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added_token(t, i, special=True) for i, t in enumerate(SPECIAL)] + added,
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": processor,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": model(vocab),
    }


def main() -> None:
    vocab = list(dict.fromkeys(SPECIAL + WORDS_TEXT.split() + PIECES_TEXT.split()))
    (FOLDER / "vocab.txt").write_text("".join(piece + "\n" for piece in vocab))
    ids = {piece: i for i, piece in enumerate(vocab)}

    def with_ids(tokens: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        added, next_id = [], len(vocab)
        for content, flags in tokens:
            id_ = ids.get(content, next_id)
            next_id += id_ == next_id
            added.append(added_token(content, id_, **flags))
        return added

    bert = {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}
    golden = {}
    for name, config in (
        ("uncased.json", tokenizer(vocab, True, [], template())),
        ("cased.json", tokenizer(vocab, False, with_ids(ADDED), bert)),
        ("spaces.json", tokenizer(vocab, True, with_ids(SPACES), template())),
    ):
        text = json.dumps(config, ensure_ascii=False)
        (FOLDER / name).write_text(text + "\n")
        reference = Tokenizer.from_str(text)
        golden[name] = [{"text": text, "ids": reference.encode(text).ids} for text in TEXTS]
    lines = (json.dumps(golden[name]).replace('{"text"', '\n{"text"') for name in golden)
    body = ",\n".join(f'"{name}": {line}' for name, line in zip(golden, lines, strict=True))
    (FOLDER / "golden.json").write_text("{" + body + "}\n")


if __name__ == "__main__":
    main()
