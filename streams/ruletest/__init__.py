"""Run the tests that stand beside rules: `<rule>.tests.yml` next to `<rule>.yml`. Pure: no broker, no clock.

A detection is given one record, as its source ships it:

```yaml
tests:
  - name: fires on a dump through comsvcs
    source: windows          # a name of `braid sources list`
    record: {EventID: 1}     # the record as a map; or `line:` with raw text, and `columns:` (a list) for TSV
    fires: true              # whether this rule has to fire
```

A correlation is given rule hits, or records that go the whole way through parsing, detection, links and correlation:

```yaml
tests:
  - name: download, then LSASS opened on the same host
    signals:
      - rule: executable_over_http    # name or id of a detection, or of a correlation: then one of its sequences
        at: 0s                        # after the start of the test: ms, s, m, h, d
        entities: [ip:192.0.2.7]      # optional
        fields: {id.orig_h: 192.0.2.7, user.name: "user{n}"}   # optional; what correlations group by or count
        domain: network               # optional; else that of the rule's class or directory, else workload
        source: zeek                  # optional: the source of its event, for the type risk
        repeat: 15                    # optional: as often, numbered from 0 where `{n}` stands in a field
        every: 1m                     # optional: the distance between repetitions
    links: [{left: "ip:192.0.2.7", right: "host:web01"}]       # optional; hold for the whole test
    fires: true                       # whether a sequence of this rule stands in the end
    groups: ["host:web01"]            # optional: the groups of those that stand, all of them, in any order
    alert: true                       # optional: whether one of them is escalated
  - name: the same, from raw records
    records:
      - {source: zeek, record: {}, at: 0s}    # `at` moves the event there; without it the record's own time counts
    sequences: 2                      # instead of `fires`: how many stand
```

`signals` and `records` may stand together. A correlation is played with the correlations that it looks at, and judged
by its own sequences alone. A test of a file with several rules names its own with `rule:`.
"""

from streams.ruletest.runner import TestCase, TestReport, run_tests

__all__ = ["TestCase", "TestReport", "run_tests"]
