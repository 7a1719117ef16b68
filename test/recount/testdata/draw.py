"""Questions: filters drawn from what is there, and from what is not."""
import datetime

from oracle import (COVERED, COVERED_DATES, COVERED_NUMBERS, COVERED_TAGS, DATES, NUMBERS, PACKAGE, STRINGS, of_network, of_package)

ENUMS = {"findingType", "severity", "findingStatus", "resourceType", "networkProtocol", "fixAvailable", "exploitAvailable", "codeRepositoryProviderType"}
PROVIDERS = ["GITHUB", "GITLAB_SELF_MANAGED"]


class Draw:
    def __init__(self, random, rows, coverage=False):
        self.random, self.rows = random, rows
        self.strings, self.dates, self.numbers = (COVERED, COVERED_DATES, COVERED_NUMBERS) if coverage else (STRINGS, DATES, NUMBERS)
        self.coverage = coverage
        self.pool = {name: sorted({v for r in rows for v in get(r)}) for table in (self.strings, self.dates, self.numbers) for name, get in table.items()}
        self.tags = sorted({(k, v) for r in rows for k, v in self.tags_of(r).items()})

    def tags_of(self, row):
        if not self.coverage:
            return row["resources"][0].get("tags", {})
        return {k: v for kind, member in COVERED_TAGS.values() for k, v in row.get("resourceMetadata", {}).get(kind, {}).get(member, {}).items()}

    def names(self):
        more = list(COVERED_TAGS) if self.coverage else ["resourceTags", "portRange", "vulnerablePackages"]
        return [*self.strings, *self.dates, *self.numbers, *more]

    def pick(self, name):
        return self.random.choice(self.pool.get(name) or [None])

    def text(self, name, comparison=None):
        comparison = comparison or self.random.choice(["EQUALS", "NOT_EQUALS"] if self.coverage else ["EQUALS", "PREFIX", "NOT_EQUALS"])
        value = self.pick(name)
        if value is None:
            value = self.random.choice(PROVIDERS) if name == "codeRepositoryProviderType" else "nothing"
        elif comparison == "PREFIX":
            value = value[:self.random.randint(1, len(value))]
        elif name not in ENUMS and self.random.random() < 0.15:
            value = self.random.choice([value[:-1] or "x", value + "x", value.swapcase(), value[0] + "%", "_" + value[1:]])
        return {"comparison": comparison, "value": value[:1024]}

    def bounds(self, name, low, high, step):
        out, kind = {}, self.random.randrange(8)
        a, b = self.pick(name), self.pick(name)
        if a is None:
            a = b = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) if name in self.dates else 1
        a, b = min(a, b), max(a, b)
        if kind == 7:
            a, b = b, b  # one value
        if kind == 6:
            a, b = a + step, b - step
        if kind:
            out[low] = a
        if kind != 1:
            out[high] = b
        return {} if kind == 2 and self.random.random() < 0.5 else out

    def one(self, name, comparison=None):
        """One filter of a criterion."""
        if name in self.strings:
            return self.text(name, comparison)
        if name in self.dates:
            return self.bounds(name, "startInclusive", "endInclusive", datetime.timedelta(milliseconds=1))
        if name in self.numbers:
            out = self.bounds(name, "lowerInclusive", "upperInclusive", 1 if name == "ecrImageInUseCount" else 0.001)
            return {k: int(v) for k, v in out.items()} if self.coverage else out
        if name == "portRange":
            return self.ports()
        if name == "vulnerablePackages":
            return self.package()
        key, value = self.random.choice(self.tags)
        out = {"comparison": "EQUALS", "key": self.random.choice([key, key, key, key.swapcase()])}
        if self.random.random() < 0.7:
            out["value"] = self.random.choice([value, value, value.upper(), ""])
        if self.coverage and not out.get("value"):
            out.pop("value", None)  # there it must not be empty
        return out

    def ports(self):
        edges = sorted({p + d for f in self.rows for r in of_network("openPortRange")(f) for p in r.values() for d in (-1, 0, 1) if 0 <= p + d <= 65535})
        a, b = sorted((self.random.choice(edges), self.random.choice(edges)))
        return self.random.choice([{"beginInclusive": a, "endInclusive": b}, {"beginInclusive": a}, {"endInclusive": b}, {"beginInclusive": a, "endInclusive": a}, {}])

    def package(self):
        found = [p for f in self.rows for p in of_package("vulnerablePackages")(f)]
        a, b = self.random.choice(found), self.random.choice(found)
        out = {}
        for member, where in self.random.sample(sorted(PACKAGE.items()), self.random.randint(0, 3)):
            # What two packages of a finding have together is no match.
            value = self.random.choice([a, a, b]).get(where)
            comparison = self.random.choice(["EQUALS", "EQUALS", "PREFIX", "NOT_EQUALS"])
            if value:
                out[member] = {"comparison": comparison, "value": value[:self.random.randint(1, len(value))] if comparison == "PREFIX" else value}
        if self.random.random() < 0.3 or not out:
            out["epoch"] = self.random.choice([{"lowerInclusive": 1}, {"upperInclusive": 0}, {"lowerInclusive": 0, "upperInclusive": 1}, {}])
        return out

    def several(self, name):
        return [self.one(name) for _ in range(self.random.choice([1, 1, 2, 3, 10]))]

    def conjunction(self):
        """Criteria that some row tends to meet: values of one row, mostly."""
        whole, row = dict(self.pool), self.random.choice(self.rows)
        for table in (self.strings, self.dates, self.numbers):
            self.pool.update({n: get(row) or whole[n] for n, get in table.items() if self.random.random() < 0.7})
        out = {n: self.several(n) for n in self.random.sample(self.names(), self.random.randint(2, 4))}
        self.pool = whole
        return out
