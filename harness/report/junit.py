"""JUnit XML of a run, for CI servers: one test case a result, clause ids as properties."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree import ElementTree

from harness.results import CaseResult, RunResults
from harness.verdict import Verdict

__all__ = ["junit_xml"]

# XML 1.0 section 2.2 has no way to write these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(run: RunResults) -> bytes:
    """The run as JUnit XML (UTF-8).

    What needs attention is a `failure`, or an `error` where the run itself went wrong; what couldn't be judged is
    `skipped`.
    """
    root = ElementTree.Element("testsuites", name=_xml(f"peerproof {run.run.id}"), time=f"{run.run.duration_s:.3f}")
    ordered = sorted(run.results, key=_suite)
    for name, group in groupby(ordered, key=_suite):
        results = list(group)
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(name), timestamp=_xml(run.run.started))
        children = [_case(suite, result) for result in results]
        suite.set("tests", str(len(results)))
        for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(plural, str(sum(child.find(tag) is not None for child in children)))
        suite.set("time", f"{sum(result.duration_s for result in results):.3f}")
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(result: CaseResult) -> str:
    return result.case.partition("::")[0]


def _case(suite: ElementTree.Element, result: CaseResult) -> ElementTree.Element:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_xml(_suite(result)),
        name=_xml(f"{result.case.partition('::')[2] or result.case}[{'-'.join(result.endpoints)}]"),
        time=f"{result.duration_s:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    _property(properties, "verdict", result.verdict.value)
    _property(properties, "expected", result.expected.value)
    for clause in result.clauses:
        _property(properties, f"clause.{clause.id}", clause.verdict.value)
    for name, path in result.artefacts.items():
        _property(properties, f"artefact.{name}", path)
    if result.unexpected:
        tag = "error" if result.verdict.about_the_run else "failure"
        child = ElementTree.SubElement(case, tag, type=result.verdict.value, message=_xml(result.unexpected))
        child.text = _xml(result.message)
    elif result.verdict not in {Verdict.PASS, Verdict.WEAK}:
        ElementTree.SubElement(
            case, "skipped", message=_xml(f"{result.verdict.value}: {result.reason or result.message}")
        )
    return case


def _property(parent: ElementTree.Element, name: str, value: str) -> None:
    ElementTree.SubElement(parent, "property", name=_xml(name), value=_xml(value))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
