#!/usr/bin/env python3
"""Checks that include arrows point down, and that no source is too long.

Each folder stands on the floors that FLOORS gives it and includes nothing else of this project.
A folder without an entry belongs to the nearest one above that has one. Without arguments; ends
with 1 and a list if something is wrong.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 450

API = ["synth/v1/"]  # the generated messages
ENGINE = ["model/include/"]  # the public headers of synth::model, included as synth/NAME.h
SHARED = ["model/strings.h", "model/limits.h"]
LENT = ["model/workspace.h", "model/work_split.h"]  # what a caller lends to one Forward
BELOW_OPS = ["model/kernels/", "model/checkpoint/"]
BELOW_MODELS = ["server/base/", "server/options.h", "server/scheduling/", "server/observe/"]

# Folder or file -> what it may include, besides itself, the C++ library and packages.
FLOORS: dict[str, list[str]] = {
    # The engine, low to high.
    "model/include": [],
    "model/strings.h": [],
    "model/limits": [*ENGINE, "model/strings.h"],
    "model/postprocess": ENGINE,
    "model/kernels": [*ENGINE, *SHARED],
    "model/checkpoint": [*ENGINE, *SHARED],
    "model/text": [*ENGINE, *SHARED, "model/checkpoint/json.h"],
    "model/workspace": [*ENGINE, *SHARED, "model/kernels/"],
    "model/work_split": [*ENGINE, *SHARED, "model/kernels/", "model/workspace.h"],
    "model/ops": [*ENGINE, *SHARED, *LENT, *BELOW_OPS],
    "model/attention": [*ENGINE, *SHARED, *LENT, *BELOW_OPS, "model/ops/"],
    "model/layers": [*ENGINE, *SHARED, *LENT, *BELOW_OPS, "model/ops/", "model/attention/"],
    "model": ["model/"],
    # The server, low to high.
    "server/base": [],
    "server/config_file": [*ENGINE, "server/base/"],
    "server/model_name": [*ENGINE, "server/base/"],
    "server/options": [*ENGINE, "server/base/", "server/config_file.h", "server/model_name.h"],
    "server/scheduling": ["server/base/"],
    "server/observe": [*ENGINE, "server/base/", "server/scheduling/"],
    "server/models": [*ENGINE, *BELOW_MODELS],
    "server/serving": [*ENGINE, *BELOW_MODELS, "server/models/"],
    "server/rpc": [*ENGINE, *BELOW_MODELS, "server/models/", "server/serving/"],
    "server/rpc/v1": [*ENGINE, *API, "server/"],
    "server/rpc/oip": [*ENGINE, "server/"],
    "server/rpc/admin": [*ENGINE, *API, "server/"],
    "server": [*ENGINE, *API, "server/"],
    # The client: base headers of the server, and never more of it.
    "client/include": [*API, "client/include/"],
    "client/src": [*API, "client/include/", "model/include/synth/half.h", "model/include/synth/utf8.h", "server/base/"],
    "client/load": [*API, "client/include/", "client/src/", "server/base/"],
    "client/inspect": [*ENGINE, "server/base/"],
    "client/synthctl": [*ENGINE, *API, "client/", "server/base/"],
}

# What a floor must not include although its list above would allow it.
SIBLINGS = {
    "server/rpc/v1": ["server/rpc/oip/", "server/rpc/admin/", "server/server.h"],
    "server/rpc/oip": ["server/rpc/v1/", "server/rpc/admin/", "server/server.h"],
    "server/rpc/admin": ["server/rpc/v1/", "server/rpc/oip/", "server/server.h"],
}

RPC = ["grpc/", "grpcpp/", "google/protobuf/"]
SERVING_ONLY = [*RPC, "tbb/", "oneapi/", "prometheus/", "spdlog/", "CLI/"]

# Packages that a folder must not know.
FOREIGN: dict[str, list[str]] = {
    "model": SERVING_ONLY,
    "server/base": RPC,
    "server/scheduling": [*SERVING_ONLY, "nlohmann/", "Eigen/"],
    "server/models": RPC,
    "server/serving": RPC,
    "client": ["tbb/", "oneapi/", "prometheus/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def tracked(*patterns: str) -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in output.splitlines() if (ROOT / name).is_file()]


def target(include: str) -> str | None:
    """The project's path for what an #include names; None for a package's or a generated header."""
    if include == "server/version.h":
        return None
    if include.startswith(("server/", "model/", "client/", "synth/v1/")):
        return include
    if include.startswith("synth/client/"):
        return "client/include/" + include
    if include.startswith("synth/"):
        return "model/include/" + include
    return None


def floor(path: str) -> str | None:
    """The entry of FLOORS that a path belongs to: its own, else its folder's, and so on."""
    own = path.removesuffix(".cc").removesuffix(".h")
    if path in FLOORS:
        return path
    while own:
        if own in FLOORS:
            return own
        own = own.rpartition("/")[0]
    return None


def broken_arrows(path: str) -> list[str]:
    here = floor(path)
    if here is None:
        return [f"{path}: no floor; give its folder one in {pathlib.Path(__file__).name}"]
    foreign = [p for folder, ps in FOREIGN.items() if path.startswith(folder + "/") for p in ps]
    wrong = []
    for include in INCLUDE.findall((ROOT / path).read_text(encoding="utf-8")):
        there = target(include)
        if there is None:
            if include.startswith(tuple(foreign)):
                wrong.append(f"{path}: {here} must not know the package of {include}")
            continue
        allowed = there.startswith(tuple(FLOORS[here])) or floor(there) == here
        if not allowed or there.startswith(tuple(SIBLINGS.get(here, []))):
            wrong.append(f"{path}: {here} must not include {include}")
    return wrong


def main() -> int:
    wrong = []
    for path in tracked("server/*.cc", "server/*.h", "model/*.cc", "model/*.h", "client/*.cc", "client/*.h"):
        wrong += broken_arrows(path)
    for path in tracked("*.cc", "*.h", "*.py", "*.sh"):
        with (ROOT / path).open(encoding="utf-8") as file:
            lines = sum(1 for _ in file)
        if lines > MAX_LINES:
            wrong.append(f"{path}: {lines} lines, more than {MAX_LINES}")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
