"""Keys whose own row names the key that replaced them, where the replacing row may say nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Successions:
    """Which keys of a source give way to another one of it, at the end of the chain."""

    _successors: Mapping[str, str] = field(default_factory=dict)
    _replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _turning: frozenset[str] = frozenset()

    @classmethod
    def of(cls, named: Mapping[str, str], stands: Callable[[str], bool]) -> Successions:
        """Follow what each key names to the last one that stands in the source.

        A key whose successor does not stand there yet keeps its place; keys that replace each other keep theirs too.
        """
        successors: dict[str, str] = {}
        turning: set[str] = set()
        for key in named:
            passed, last = {key}, key
            while (following := named.get(last)) is not None and stands(following):
                if following in passed:
                    turning.add(key)
                    break
                passed.add(following)
                last = following
            if key not in turning and last != key:
                successors[key] = last
        replaced: dict[str, tuple[str, ...]] = {}
        for old, last in successors.items():
            replaced[last] = (*replaced.get(last, ()), old)
        return cls(successors, replaced, frozenset(turning))

    @property
    def keys(self) -> set[str]:
        """Every key that is replaced, or replaces one."""
        return {*self._successors, *self._replaced}

    def successor(self, key: str | None) -> str | None:
        """Return the key that stands in place of this one, None when it stands for itself."""
        return self._successors.get(key or "")

    def replaced(self, key: str | None) -> tuple[str, ...]:
        """Return the keys that this one stands for beside itself."""
        return self._replaced.get(key or "", ())

    def turns(self, key: str | None) -> bool:
        """Say whether this key and another one replace each other, which says nothing."""
        return (key or "") in self._turning
