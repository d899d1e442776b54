"""Random rules and documents that look for the corners of the reference: odd types, odd texts, odd arities."""

from random import Random
from typing import Any

TEXTS = [
    "", " ", "0", "1", "10", "9", "-1", "3abc", "abc", "b", "0x10", "0b11", "0o7", "-0x10", "1e3", "1e400", ".5", "5.",
    "+7", "1_000", " 12 ", "\u00a08\ufeff", "Infinity", "-Infinity", "infinity", "NaN", "null", "true", "1,2", "a.b",
    "ä", "😀", "x😀y", "\uffff", "\u1680", "12px", "Infinityx", "1 2", "-", "-1abc", "-0", "-0.0x",
    "2024-01-05", "gold", "silver",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 2, 3, 10, 5, 100, 0.5, -0.0, 1.5, 2.0, 1e21, 1e-7, 123456789012345680000, 2**53, 2**53 + 1, -(2**53) - 3,
    0.1, 1e300, -1e300, 5e-324, 16, 1000,
]  # fmt: skip
NAMES = ["a", "b", "c", "d", "l", "o", "o.x", "o.l.1", "l.0", "l.length", "a.length", "b.0", "nope", "o.o.x", "l.0.x"]
ELEMENT_NAMES = ["", "x", "y", "0", "length", "current", "accumulator", "current.x", "x.y", "1"]

BINARY = ["==", "===", "!=", "!==", "<", "<=", ">", ">=", "-", "/", "%", "+", "*", "in", "cat", "max", "min", "substr"]
ANY = [
    "and",
    "or",
    "if",
    "?:",
    "+",
    "*",
    "max",
    "min",
    "cat",
    "merge",
    "substr",
    "!",
    "!!",
    "log",
    "<",
    "<=",
    "-",
    "==",
]
OVER_LISTS = ["map", "filter", "reduce", "all", "none", "some"]


class RandomRules:
    """A stream of rules and documents, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def scalar(self) -> Any:
        pick = self.random.random()
        if pick < 0.4:
            return self.random.choice(TEXTS)
        if pick < 0.8:
            return self.random.choice(NUMBERS)
        return self.random.choice([None, True, False])

    def value(self, depth: int = 2) -> Any:
        pick = self.random.random()
        if depth and pick < 0.2:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        if depth and pick < 0.35:
            names = self.random.sample(["x", "y", "l", "o", "length"], self.random.randrange(3))
            return {name: self.value(depth - 1) for name in names}
        return self.scalar()

    def document(self) -> dict[str, Any]:
        names = [name for name in "abcdlo" if self.random.random() < 0.8]
        document = {name: self.value() for name in names}
        if self.random.random() < 0.6:
            document["l"] = [self.value(2) for _ in range(self.random.randrange(4))]
        if self.random.random() < 0.5:
            document["o"] = {"x": self.value(1), "l": [self.scalar(), self.scalar()], "o": self.value(1)}
        return document

    def rule(self, depth: int = 4, *, in_element: bool = False) -> Any:
        pick = self.random.random()
        if depth <= 0 or pick < 0.15:
            return self.scalar() if self.random.random() < 0.5 else self.var(0, in_element=in_element)
        if pick < 0.3:
            return self.var(depth, in_element=in_element)
        if pick < 0.55:
            return {self.random.choice(BINARY): self.rules(depth, 2, in_element=in_element)}
        if pick < 0.78:
            count = self.random.choice([0, 1, 1, 2, 3, 3, 4])
            return {self.random.choice(ANY): self.rules(depth, count, in_element=in_element)}
        if pick < 0.9:
            return self.over_list(depth, in_element=in_element)
        if pick < 0.96:
            return self.missing(depth, in_element=in_element)
        return self.random.choice([self.value(), self.rules(depth, 2, in_element=in_element), {}, {"x": 1, "y": 2}])

    def rules(self, depth: int, count: int, *, in_element: bool) -> Any:
        made = [self.rule(depth - 1, in_element=in_element) for _ in range(count)]
        return made[0] if count == 1 and self.random.random() < 0.5 else made

    def name(self, *, in_element: bool) -> Any:
        if self.random.random() < 0.08:
            return self.scalar()
        return self.random.choice(ELEMENT_NAMES if in_element else NAMES)

    def var(self, depth: int, *, in_element: bool) -> Any:
        pick = self.random.random()
        name = self.name(in_element=in_element)
        if pick < 0.75:
            return {"var": name}
        if pick < 0.95:
            count = self.random.choice([1, 1, 1, 1, 1, 2])
            others = [self.rule(depth - 1, in_element=in_element) if depth else self.scalar() for _ in range(count)]
            return {"var": [name, *others]}
        return {"var": self.random.choice(["", [], None, [[name]], self.rule(depth - 1, in_element=in_element)])}

    def condition(self, depth: int = 3, *, in_element: bool = False) -> Any:
        """A rule of the kinds that journeys have, over columns more often than over constants."""
        pick = self.random.random()
        if depth <= 0 or pick < 0.35:
            operator = self.random.choice(["==", "===", "!=", "!==", "<", "<=", ">", ">="])
            sides = [self.amount(2, in_element=in_element), self.random.choice([self.scalar(), self.amount(1)])]
            return {operator: self.random.sample(sides, 2) + ([self.scalar()] if self.random.random() < 0.1 else [])}
        if pick < 0.6:
            parts = [self.condition(depth - 1, in_element=in_element) for _ in range(self.random.randrange(1, 4))]
            return {self.random.choice(["and", "or", "and", "or", "if", "!", "!!"]): parts}
        if pick < 0.72:
            values: Any = [self.scalar() for _ in range(self.random.randrange(4))]
            return {"in": [self.amount(0, in_element=in_element), values]}
        if pick < 0.85:
            source = {"var": self.random.choice(["l", "o.l"])}
            return {self.random.choice(["some", "all", "none"]): [source, self.condition(depth - 1, in_element=True)]}
        if pick < 0.95:
            keys = self.random.sample(["a", "b", "c", "d", "o.x", "nope"], self.random.randrange(4))
            return self.random.choice([{"missing": keys}, {"missing_some": [self.random.choice([0, 1, 2, "1"]), keys]}])
        return self.rule(2, in_element=in_element)

    def amount(self, depth: int, *, in_element: bool = False) -> Any:
        """A column, with a default at times, or arithmetic of columns."""
        if depth and self.random.random() < 0.4:
            operator = self.random.choice(["+", "-", "*", "/", "%"])
            count = self.random.choice([1, 2, 2, 2, 3])
            return {operator: [self.amount(depth - 1, in_element=in_element) for _ in range(count)]}
        name = self.random.choice(["", "", "x", "y"] if in_element else ["a", "b", "c", "d", "o.x"])
        pick = self.random.random()
        return {"var": [name, self.scalar()]} if pick < 0.2 else {"var": name} if pick < 0.9 else self.scalar()

    def over_list(self, depth: int, *, in_element: bool) -> Any:
        pick = self.random.random()
        source: Any = {"var": "l"} if pick < 0.6 else self.rule(depth - 1, in_element=in_element)
        if pick > 0.85:
            source = [self.scalar(), self.rule(depth - 1, in_element=in_element)]
        arguments = [source, self.rule(depth - 1, in_element=True), self.rule(depth - 2, in_element=in_element)]
        operator = self.random.choice(OVER_LISTS)
        count = self.random.choice([2, 3] if operator == "reduce" else [2, 2, 2, 1])
        return {operator: arguments[:count]}

    def missing(self, depth: int, *, in_element: bool) -> Any:
        names = [self.name(in_element=in_element) for _ in range(self.random.randrange(4))]
        pick = self.random.random()
        if pick < 0.4:
            return {"missing": names}
        if pick < 0.55:
            return {"missing": [self.rule(depth - 1, in_element=in_element)]}
        needed = self.random.choice([0, 1, 2, "1", self.rule(depth - 2, in_element=in_element)])
        options: Any = names if pick < 0.85 else self.rule(depth - 1, in_element=in_element)
        others = [self.rule(depth - 1, in_element=in_element)] if self.random.random() < 0.1 else []
        return {"missing_some": [needed, options, *others]}
