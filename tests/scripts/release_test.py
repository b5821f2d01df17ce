"""scripts/release.sh, in a repository of its own."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENTRIES = "### Added\n- Something.\n"


class Repository:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.git("init", "--quiet")
        for key in ("user.name", "user.email"):
            self.git("config", key, "tester@example.org")
        (folder / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "release.sh", folder / "scripts")
        self.write("CMakeLists.txt", "project(synthserve VERSION 1.2.3 LANGUAGES CXX)\n")
        self.write("Dockerfile", "ARG VERSION=1.2.3\n")
        self.write("CHANGELOG.md", f"# Changelog\n\n## 1.2.3 - 2026-02-28\n{ENTRIES}\n## 1.2.2 - 2026-01-01\n- Old.\n")
        self.commit()

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Change")

    def release(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.folder / "scripts" / "release.sh"), *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True)

    def tags(self) -> list[str]:
        return self.git("tag").split()


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    return Repository(tmp_path)


def test_tags_the_head_with_the_notes_of_the_release(repository: Repository) -> None:
    result = repository.release()
    assert result.returncode == 0, result.stderr
    assert repository.git("rev-parse", "v1.2.3^{commit}") == repository.git("rev-parse", "HEAD")
    assert repository.git("cat-file", "-t", "v1.2.3") == "tag\n"
    notes = repository.git("tag", "--list", "--format=%(contents)", "v1.2.3")
    assert "synthserve 1.2.3" in notes and "### Added\n- Something." in notes
    assert "Old" not in notes


def test_check_tags_nothing(repository: Repository) -> None:
    assert repository.release("--check").returncode == 0
    assert repository.tags() == []


def test_pushes_nothing(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    remote = tmp_path_factory.mktemp("remote")
    repository.git("init", "--quiet", "--bare", str(remote))
    repository.git("remote", "add", "origin", str(remote))
    assert repository.release().returncode == 0
    assert repository.git("ls-remote", "origin") == ""


def test_an_empty_unreleased_section_is_no_obstacle(repository: Repository) -> None:
    repository.write("CHANGELOG.md", f"## Unreleased\n\n## [1.2.3] - 2026-02-28\n{ENTRIES}")
    repository.commit()
    assert repository.release().returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("CMakeLists.txt", "project(synthserve)\n", "CMakeLists.txt: expected project(synthserve VERSION"),
        (
            "CMakeLists.txt",
            "project(synthserve VERSION 1.3.0 LANGUAGES CXX)\n",
            "Dockerfile: expected ARG VERSION=1.3.0",
        ),
        ("Dockerfile", "ARG VERSION=1.2.2\n", "found '1.2.2'"),
        ("CHANGELOG.md", "# Changelog\n", "found no release"),
        ("CHANGELOG.md", f"## 1.2.4 - 2026-02-28\n{ENTRIES}", "expected 1.2.3"),
        ("CHANGELOG.md", f"## 1.2.3\n{ENTRIES}", "found '## 1.2.3'"),
        ("CHANGELOG.md", f"## 1.2.3 - unreleased\n{ENTRIES}", "found 'unreleased'"),
        ("CHANGELOG.md", f"## 1.2.3 - 2026-02-30\n{ENTRIES}", "found '2026-02-30'"),
        ("CHANGELOG.md", "## 1.2.3 - 2026-02-28\n\n## 1.2.2 - 2026-01-01\n- Old.\n", "expected entries"),
        (
            "CHANGELOG.md",
            f"## Unreleased\n{ENTRIES}\n## 1.2.3 - 2026-02-28\n{ENTRIES}",
            "under '## Unreleased', found 1",
        ),
    ],
)
def test_refuses_versions_that_do_not_agree(repository: Repository, name: str, text: str, complaint: str) -> None:
    repository.write(name, text)
    repository.commit()
    result = repository.release()
    assert (result.returncode, repository.tags()) == (1, [])
    assert complaint in result.stderr


def test_refuses_a_tree_with_changes(repository: Repository) -> None:
    repository.write("new.txt", "new")
    result = repository.release()
    assert (result.returncode, repository.tags()) == (1, [])
    assert "new.txt" in result.stderr


def test_refuses_a_version_that_is_tagged(repository: Repository) -> None:
    assert repository.release().returncode == 0
    repository.write("new.txt", "new")
    repository.commit()
    result = repository.release()
    assert result.returncode == 1
    assert "found the tag v1.2.3" in result.stderr


def test_refuses_unknown_arguments(repository: Repository) -> None:
    assert repository.release("--push").returncode == 2
    assert repository.tags() == []
