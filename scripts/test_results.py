"""Reads the .trx files that scripts/test lets the test runner write.

run FILE                  prints the run's totals as one line, then every failed test with its whole output;
                          exits 1 if one failed
total DIRECTORY [NAME...] prints the skipped tests with their reasons and the totals of all runs as the last line;
                          each NAME is a run that crashed and counts as one failure; exits 1 unless all is well
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree

NAMESPACE = {"t": "http://microsoft.com/schemas/VisualStudio/TeamTest/2010"}

Result = collections.namedtuple("Result", "name outcome message trace output")


def read(path):
    """The results in one file, in the order they were recorded; none if the run crashed before writing it."""
    if not path.exists():
        return []
    tree = xml.etree.ElementTree.parse(path)

    def text(element, where):
        return (element.findtext(where, default="", namespaces=NAMESPACE) or "").strip()

    return [
        Result(
            element.get("testName"),
            element.get("outcome"),
            text(element, "t:Output/t:ErrorInfo/t:Message"),
            text(element, "t:Output/t:ErrorInfo/t:StackTrace"),
            "\n".join(filter(None, (text(element, "t:Output/t:StdOut"), text(element, "t:Output/t:StdErr")))),
        )
        for element in tree.iterfind(".//t:UnitTestResult", NAMESPACE)
    ]


def with_outcome(results, kind):
    """kind: passed, skipped or failed; whatever is neither passed nor skipped has failed."""
    names = {"Passed": "passed", "NotExecuted": "skipped"}
    return [result for result in results if names.get(result.outcome, "failed") == kind]


def totals(results, crashed=0):
    passed, failed, skipped = (len(with_outcome(results, kind)) for kind in ("passed", "failed", "skipped"))
    return passed, failed + crashed, skipped


def describe(counts):
    return "%d passed, %d failed, %d skipped" % counts


def indent(text, by):
    return "\n".join(" " * by + line for line in text.splitlines())


def report_run(path):
    results = read(pathlib.Path(path))
    print(describe(totals(results)))
    failed = with_outcome(results, "failed")
    for result in failed:
        print(f"  FAILED {result.name}")
        for part in (result.message, result.trace, result.output):
            if part:
                print(indent(part, 4))
    return 1 if failed else 0


def report_total(directory, crashed):
    results = [result for path in sorted(pathlib.Path(directory).glob("*.trx")) for result in read(path)]
    skipped = with_outcome(results, "skipped")
    if skipped:
        print("skipped:")
    for result in skipped:
        print(f"  {result.name}: {result.message or result.output or 'no reason given'}")
    for name in crashed:
        print(f"crashed: {name}")
    counts = totals(results, len(crashed))
    print(describe(counts))
    return 0 if counts[0] > 0 and counts[1] == 0 else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", path]:
            sys.exit(report_run(path))
        case ["total", directory, *crashed]:
            sys.exit(report_total(directory, crashed))
        case _:
            sys.exit(__doc__)
