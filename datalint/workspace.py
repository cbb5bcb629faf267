"""Where a run stands: its base folder, its source of bytes, its configuration, its dataset root."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint import braces, git_index
from datalint import config as configuration
from datalint.errors import Position, UsageError
from datalint.request import Request, named_config
from datalint.similar import path_meant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.config import Config
    from datalint.facts.content import Algorithm
    from datalint.policies import Policy
    from datalint.source import Source

CACHE_FOLDER = ".datalint_cache"


@dataclass(frozen=True, slots=True)
class Workspace:
    """`root` and `home` are relative to `source.base`: the dataset, and the folder of the configuration."""

    source: Source
    config: Config
    root: str
    home: str
    cache_dir: str
    top: str | None = None
    """Top of the repository where git is the source, else None."""
    notes: tuple[str, ...] = ()
    """What the user should know about how the run was set up."""
    policy: Policy | None = None
    """Where configuration, rules and baseline are those of another commit, else None."""
    searched: bool = False
    """The root was found among all that lies there, and not named."""
    earlier: bool = False
    """A dataset to compare with: a configuration that came later need not fit it."""

    @property
    def algorithm(self) -> Algorithm:
        """By which the repository of the dataset names what it holds; SHA-1 outside of one."""
        return git_index.object_format(self.source.base)

    @property
    def rule_home(self) -> tuple[Source, str]:
        """Where the user's rules are read from, and the folder that `rules.paths` start at there."""
        return (self.policy.there.source, self.policy.there.folder) if self.policy else (self.source, self.home)

    @property
    def rule_label(self) -> str:
        """What stands before the name of a rule file, so that a mistake is looked for where it is."""
        return self.policy.name("") if self.policy else ""

    @property
    def home_label(self) -> str:
        """The same for files that `read_home` reads."""
        if self.policy is None:
            return ""
        folder = self.policy.there.folder
        return self.policy.name("" if folder == "." else f"{folder}/")

    def read_home(self, name: str) -> bytes | None:
        """A small file beside the configuration, as the source (or the policy's commit) holds it."""
        return self.read_beside(name) if self.policy is None else self.policy.there.read(name)

    def read_beside(self, name: str) -> bytes | None:
        """The same as it lies with the data, whosever policy counts."""
        path = os.path.normpath(os.path.join(self.home, name))
        content = self.source.read(path)
        if content is None and self.source.name == "worktree" and os.path.lexists(os.path.join(self.source.base, path)):
            raise UsageError(f"cannot read {name}: it is not a file")
        return content


def open_workspace(request: Request) -> Workspace:
    """Resolve the words on the command line; raises UsageError for a path or configuration that is wrong."""
    request = replace(request, config=named_config(request.config))
    if request.staged and request.tree:
        raise UsageError("--staged and --tree exclude each other")
    return _settled(_open_git(request) if request.staged or request.tree else _open_worktree(request), request)


def _settled(workspace: Workspace, request: Request) -> Workspace:
    """Where nobody says what the dataset is, the folder below that clearly holds it, as `datalint init` proposes."""
    # What is found are folders of classes; every other format looks for its own files.
    folders = request.format in (None, "imagefolder")
    if workspace.config.says_dataset or request.path is not None or not folders:
        return workspace
    from datalint.dataset import Inside, clearly_inside

    source, root = workspace.source, workspace.root
    before = None if workspace.policy is None else workspace.policy.place(os.path.join(source.base, root))
    if before is None or not source.entries(known := _relative(before, os.path.realpath(source.base))):
        inside = clearly_inside(source, root)
    else:
        # Pictures that a change brings must not decide that others than before are judged.
        inside = None if known == root else Inside(known)
    if inside is None:
        return workspace
    left_out = f"; {inside.left_out}" if inside.left_out else ""
    note = f"no `dataset` is configured, so {inside.root} is judged, where the dataset lies{left_out}"
    return replace(
        workspace,
        root=inside.root,
        searched=True,
        notes=(*workspace.notes, f"{note} (`datalint init` writes that down)"),
    )


def open_before(request: Request, commit: str, now: Workspace) -> Workspace:
    """The same dataset in a commit: where that says it lies and how it is trained, under the rules of `now`.

    A commit without a configuration, or with a broken one, is looked at as `now` is.
    """
    asked = replace(request, staged=False, tree=commit)
    try:
        then = _open_git(asked)
    except UsageError:
        then = None
    if then is not None and then.config.file is not None and not _is_of_another(then, now):
        own = then.config
        return replace(
            _settled(then, asked),
            config=replace(
                now.config, dataset=own.dataset, training=own.training, target=own.target, targets=own.targets
            ),
        )
    from datalint import git
    from datalint.source.moved import moved
    from datalint.source.tree import open_tree

    top = git.top_level(now.source.base)
    base = _relative(os.path.realpath(now.source.base), os.path.realpath(top))
    there = Workspace(
        source=moved(open_tree(top, commit), base),
        config=now.config,
        root=now.root,
        home=now.home,
        cache_dir=now.cache_dir,
        top=top,
    )
    if not now.searched:
        return there
    # It may have lain in another folder then.
    found = _settled(replace(there, root=os.path.normpath(os.path.join(now.home, now.config.dataset.path))), asked)
    return found if found.searched else there


def _is_of_another(then: Workspace, now: Workspace) -> bool:
    """Whether the configuration that counted then is still there, and is not the one that counts now.

    Where a folder got one of its own, a commit before that has only the one of a folder above, for its own dataset.
    """
    homes = [os.path.realpath(os.path.join(each.source.base, each.home)) for each in (then, now)]
    file = os.path.join(homes[0], then.config.file or "")
    here = os.path.relpath(file, os.path.realpath(now.source.base))
    return homes[0] != homes[1] and now.config.file is not None and now.source.read(here, limit=1) is not None


def open_home(config: str | None) -> Workspace:
    """For commands that ask for configuration and rules alone: there need be no dataset yet."""
    from datalint.source.worktree import open_worktree

    explicit = named_config(config)
    home = configuration.find_home(os.getcwd(), explicit=explicit)
    return Workspace(
        source=open_worktree(home),
        config=configuration.load(_reader(home), explicit=_inside(explicit, home)),
        root=".",
        home=".",
        cache_dir=os.path.join(home, CACHE_FOLDER),
    )


def _open_worktree(request: Request) -> Workspace:
    from datalint.source import submodules
    from datalint.source.worktree import open_worktree

    here = os.getcwd()
    if request.path is not None and not _exists(request.path):
        hint = submodules.absent(_folder(os.path.abspath(request.path))) or path_meant(request.path, here)
        raise UsageError(f"no such file or folder: {request.path}", hint=hint)
    policy = None
    if request.policy_from is None:
        home = configuration.find_home(here, explicit=request.config)
        config = configuration.load(_reader(home), explicit=_inside(request.config, home))
    else:
        from datalint import git, policies

        top = git.top_level(here)
        policy = policies.read(request.policy_from, here, open_worktree(top), explicit=request.config)
        home, config = os.path.normpath(os.path.join(top, policy.there.folder)), policy.config
    root = os.path.abspath(request.path if request.path is not None else os.path.join(home, config.dataset.path))
    if not _exists(root):
        message = f"dataset path {config.dataset.path!r} does not exist"
        hint = submodules.absent(_folder(root)) or path_meant(config.dataset.path, home)
        raise UsageError(message, config.dataset.position, hint)
    base = _base(home, here, _folder(root))
    return Workspace(
        source=open_worktree(base),
        config=config,
        root=_relative(root, base),
        home=os.path.relpath(home, base),
        cache_dir=_cache_dir(request, home),
        policy=policy,
        notes=(*(policy.notes if policy else ()), *_left_out(root)),
    )


def _left_out(root: str) -> Iterator[str]:
    """What a checkout keeps from the work tree: it is judged without, which somebody should know."""
    from datalint.source import sparse, submodules

    number = 0 if os.path.isfile(root) else len(sparse.left_out(_folder(root)))
    if number:
        files = "1 file of the dataset is" if number == 1 else f"{number:,} files of the dataset are"
        yield f"{files} left out by the sparse checkout and not judged: `--staged` judges the whole index"
    absent = submodules.absent(_folder(root))
    if absent:
        yield f"{absent}, and nothing of it was judged"


def _exists(path: str) -> bool:
    """Whether it is there, or what is missing of it is a finding: archives of a pattern, data that DVC tracks."""
    if os.path.lexists(path):
        return True
    if braces.is_pattern(path):
        return os.path.isdir(braces.place(path))
    from datalint.source.worktree import open_worktree

    base = _folder(os.path.abspath(path))
    return bool(open_worktree(base).tracked(_relative(os.path.abspath(path), base)))


def _folder(root: str) -> str:
    """The root, or the nearest folder that it lies in where it is a file, is not there, or stands for several."""
    folder = root if os.path.lexists(root) else braces.place(root)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _open_git(request: Request) -> Workspace:
    from datalint import git, policies
    from datalint.source.index import open_index
    from datalint.source.moved import moved
    from datalint.source.tree import open_tree

    here = os.getcwd()
    top = git.top_level(here)
    source = open_index(top) if request.staged else open_tree(top, request.tree or "HEAD")
    policy = None
    if request.policy_from is None:
        home = policies.nearest_home(source, here, top, explicit=request.config)
        prefix = "" if home == "." else home + "/"
        config = configuration.load(
            lambda name: source.read(prefix + name), explicit=_inside(request.config, os.path.join(top, home))
        )
        notes = tuple(_unstaged(source, here, top, request)) if request.staged else ()
    else:
        policy = policies.read(request.policy_from, here, source, explicit=request.config)
        home, config, notes = policy.there.folder, policy.config, policy.notes
    if request.path is not None:
        root = os.path.relpath(os.path.abspath(request.path), top)
    else:
        root = os.path.normpath(os.path.join(home, config.dataset.path))
    if root.startswith(".."):
        # What the command line says is not blamed on the file.
        place = None if request.path else config.dataset.position
        raise UsageError(f"the dataset {root!r} lies outside the repository {top}", place)
    if request.path is not None and not _exists(request.path) and not source.entries(root):
        message = f"no such file or folder in the {source.name}, nor in the work tree: {request.path}"
        raise UsageError(message, hint=path_meant(request.path, here))
    is_file = source.read(root, limit=1) is not None
    outer = os.path.dirname(root) if is_file else braces.place(root)
    base = _base(*(os.path.join(top, folder) for folder in (home, here, outer)))
    base = os.path.normpath(base)
    return Workspace(
        source=moved(source, _relative(base, top)),
        config=config,
        root=_relative(os.path.join(top, root), base),
        home=_relative(os.path.join(top, home), base),
        cache_dir=_cache_dir(request, top),
        top=top,
        notes=notes,
        policy=policy,
    )


def _unstaged(source: Source, here: str, top: str, request: Request) -> Iterator[str]:
    """A configuration in the work tree that the index lacks, or holds in another version: it does not count."""
    folder = configuration.find_home(here, explicit=request.config)
    local = _reader(folder)
    for name in (os.path.basename(request.config),) if request.config else configuration.FILES:
        written = local(name)
        if written is None or not (
            request.config or configuration.present(lambda asked, name=name: local(name) if asked == name else None)  # type: ignore[misc]
        ):
            continue
        path = _relative(os.path.join(folder, name), top)
        staged = source.read(path)
        if staged is None:
            yield f"{path} is not in the index and was not read: `git add` it"
        elif staged.replace(b"\r\n", b"\n") != written.replace(b"\r\n", b"\n"):
            yield f"{path} has changes that are not staged; the version in the index was read"


def _reader(folder: str) -> configuration.Reader:
    def read(name: str) -> bytes | None:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            if os.path.islink(os.path.join(folder, name)):
                raise UsageError("is a link to nothing", Position(name)) from None
            return None
        except OSError as error:
            raise UsageError(f"cannot read {name}: {error.strerror}") from error

    return read


def _inside(explicit: str | None, home: str) -> str | None:
    return None if explicit is None else os.path.relpath(os.path.abspath(explicit), home)


def _base(home: str, here: str, dataset: str) -> str:
    """Folder that every path starts from: of the configuration, else the working directory, else the dataset.

    Work tree and git agree on it, so that an ignore or a baseline of the one holds for the other.
    """
    folders = [os.path.normpath(folder) for folder in (home, here, dataset)]
    return next(folder for folder in folders if _contains(folder, folders[-1]))


def _contains(base: str, path: str) -> bool:
    return path == base or path.startswith(base.rstrip(os.sep) + os.sep)


def _relative(path: str, base: str) -> str:
    return os.path.relpath(path, base).replace(os.sep, "/")


def cache_dirs(config: str | None, cache_dir: str | None) -> list[str]:
    """Where runs from here keep their cache: beside the configuration, and at the top where git is judged.

    The configuration is looked for and not read.
    """
    request = Request(config=named_config(config), cache_dir=cache_dir)
    home = configuration.find_home(os.getcwd(), explicit=request.config)
    located = git_index.locate(home)
    folders = (home, located[0] if located else home)
    return list(dict.fromkeys(_cache_dir(request, folder) for folder in folders))


def _cache_dir(request: Request, home: str) -> str:
    return os.path.abspath(
        request.cache_dir or os.environ.get("DATALINT_CACHE_DIR") or os.path.join(home, CACHE_FOLDER)
    )
