"""harness.bench.datachannel: what is measured."""

from harness.bench.datachannel import benchmarks


def test_every_benchmark_has_a_name_of_its_own() -> None:
    names = [one.name for one in benchmarks()]
    assert len(set(names)) == len(names)
    assert {"datachannel/16KiB-cpu", "datachannel/16KiB-ethernet", "datachannel/1GiB-growth"} <= set(names)
